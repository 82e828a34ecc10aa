from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from kit.sim.contact_sheet import SPOTS, contact_sheet
from kit.sim.scenario import Scenario, load_scenario, scenario_names

PAGE = Path(__file__).parents[2] / "docs" / "virtual-set.md"


def fields(model, prefix=""):
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("field", list(fields(Scenario)))
def test_every_field_of_a_scenario_is_documented(field):
    assert f"`{field}`" in PAGE.read_text()


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_is_documented(name):
    assert f"| `{name}` |" in PAGE.read_text()


def test_the_example_on_the_page_is_a_valid_scenario(tmp_path):
    example = PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "example.yaml"
    path.write_text(example)
    assert load_scenario(path).title == yaml.safe_load(example)["title"]


def test_the_picture_on_the_page_is_small():
    assert 10_000 < (PAGE.parent / "images" / "virtual-set.png").stat().st_size < 600_000


def test_a_contact_sheet_has_a_tile_for_each_spot():
    sheet = contact_sheet(SPOTS[:3], columns=2)
    assert sheet.shape == (2 * 204 + 4, 2 * 304 + 4, 3)
    assert (sheet[:4] == 255).all()
    assert sheet[4:204, 4:304].std() > 10
