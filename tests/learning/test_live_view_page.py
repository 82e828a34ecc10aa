"""The live view in Chromium: its script alone, and all of it in a real JupyterLab."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kit.config import share_path
from kit.events import Frame, Prediction
from kit.learning.live_widget import LiveWidget
from kit.recording.reader import Recording
from tests.console import make
from tests.jupyterlab import HAS_KERNEL, jupyterlab

pytestmark = pytest.mark.browser
PATIENCE_MS = 90_000

BEGIN = """async ({ script, words }) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  window.said = [];
  window.handlers = [];
  const model = {
    get: (name) => ({ words })[name],
    on: (_name, handler) => handlers.push(handler),
    off: (_name, handler) => { handlers = handlers.filter((one) => one !== handler); },
    send: (words) => said.push(words),
  };
  const el = document.createElement("div");
  document.body.append(el);
  window.end = widget.render({ model, el });
}"""
TAKE = """async ({ pictures }) => {
  const status = { decision: { action: "slow", reason: "<b>why</b>" }, state: null, lines: [],
    left_out: 3 };
  for (const { jpeg, ...words } of pictures) {
    const bytes = Uint8Array.from(atob(jpeg), (letter) => letter.charCodeAt(0));
    for (const handler of handlers)
      handler({ say: "picture", status, ...words }, [new DataView(bytes.buffer)]);
  }
}"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


@pytest.fixture
def script(page: Any) -> Any:
    """A page with the widget's script and style, and a kernel that only keeps what it hears."""
    page.set_content(f"<style>{LiveWidget._css}</style>")
    page.evaluate(BEGIN, {"script": str(LiveWidget._esm), "words": {}})
    return page


def picture(number: int, *boxes: tuple[float, ...], jpeg: bytes | None = None) -> dict[str, Any]:
    data = jpeg or make.jpeg((number % 200, 80, 80))
    found = [{"label": "Stop", "confidence": 0.9, "box": list(box)} for box in boxes]
    return {
        "number": number,
        "sequence": number,
        "frame_id": str(number),
        "width": 600,
        "height": 400,
        "age_ms": 5,
        "detections": found,
        "jpeg": base64.b64encode(data).decode(),
    }


def drawn(page: Any, number: int) -> None:
    page.wait_for_selector(f".kit-live-view[data-sequence='{number}']")


def test_it_says_that_it_is_there_and_acknowledges_what_it_drew(script: Any) -> None:
    script.evaluate(TAKE, {"pictures": [picture(1)]})
    drawn(script, 1)
    script.wait_for_function("said.at(-1).say === 'drawn'")
    first, *others = script.evaluate("said")
    assert first == {"say": "ready"}
    assert [words for words in others if words != first] == [
        {"say": "drawn", "number": 1, "overtaken": 0}
    ]


def test_it_says_so_again_until_it_is_answered(page: Any) -> None:
    page.clock.install()
    page.set_content(f"<style>{LiveWidget._css}</style>")
    page.evaluate(BEGIN, {"script": str(LiveWidget._esm), "words": {}})
    page.clock.run_for(3000)
    assert page.evaluate("said") == 3 * [
        {"say": "ready"}
    ]  # at once, after one second and after three
    page.evaluate(TAKE, {"pictures": [picture(1)]})
    page.clock.run_for(60_000)
    assert len([w for w in page.evaluate("said") if w["say"] == "ready"]) == 3


def test_of_many_pictures_at_once_the_newest_is_drawn_last_and_the_rest_is_counted(
    script: Any,
) -> None:
    script.evaluate(TAKE, {"pictures": [picture(number) for number in range(1, 21)]})
    drawn(script, 20)
    script.wait_for_function("said.at(-1).number === 20")
    answers = script.evaluate("said.filter(({ say }) => say === 'drawn')")
    assert [answer["number"] for answer in answers] == sorted({a["number"] for a in answers})
    count = int(script.get_attribute(".kit-live-view", "data-drawn"))
    assert count + answers[-1]["overtaken"] == 20
    assert answers[-1]["overtaken"] > 0


def test_boxes_lie_where_they_are_told_also_on_a_smaller_picture(script: Any) -> None:
    import cv2
    import numpy as np

    small = cv2.imencode(".jpg", np.zeros((200, 300, 3), np.uint8))[1].tobytes()
    script.evaluate(TAKE, {"pictures": [picture(1, (150, 100, 60, 80), jpeg=small)]})
    drawn(script, 1)
    canvas = script.locator(".kit-live-view .picture").bounding_box()
    box = script.locator(".kit-live-view .box").bounding_box()
    assert box["x"] - canvas["x"] == pytest.approx(canvas["width"] * 150 / 600, abs=2)
    assert box["y"] - canvas["y"] == pytest.approx(canvas["height"] * 100 / 400, abs=2)
    assert box["width"] == pytest.approx(canvas["width"] * 60 / 600, abs=2)
    assert box["height"] == pytest.approx(canvas["height"] * 80 / 400, abs=2)


def test_words_of_others_are_text_and_boxes_can_be_hidden(script: Any) -> None:
    script.evaluate(TAKE, {"pictures": [picture(1, (10, 10, 50, 50))]})
    drawn(script, 1)
    assert script.inner_text(".kit-live-view .reason") == "<b>why</b>"
    assert script.inner_text(".kit-live-view .action").lower() == "slow"
    script.wait_for_selector(".kit-live-view .rate:text-matches('3 left out$')")
    script.uncheck(".kit-live-view input")
    assert not script.is_visible(".kit-live-view .box")


def test_what_the_page_says_itself_is_said_in_the_words_that_it_was_given(page: Any) -> None:
    words = {
        "slow": "ralentir",
        "boxes": "boîtes",
        "{time} old": "il y a {time}",
        "{rate} pictures a second · {count} left out": "{rate} images par seconde · {count} omises",
    }
    page.set_content("")
    page.evaluate(BEGIN, {"script": str(LiveWidget._esm), "words": words})
    page.evaluate(TAKE, {"pictures": [picture(1)]})
    drawn(page, 1)
    assert page.inner_text(".kit-live-view .action").lower() == "ralentir"
    assert page.inner_text(".kit-live-view .toggle").strip() == "boîtes"
    page.wait_for_selector(".kit-live-view .age:text-matches('^il y a [0-9.]+ m?s$')")
    page.wait_for_selector(".kit-live-view .rate:text-matches('images par seconde · 3 omises$')")


def test_a_picture_that_is_no_jpeg_is_told_and_the_next_one_is_drawn(script: Any) -> None:
    script.evaluate(TAKE, {"pictures": [picture(1, jpeg=b"\xff\xd8\xff rubbish")]})
    script.wait_for_function("said.at(-1).number === 1")
    assert "cannot be read" in script.inner_text(".kit-live-view .note")
    script.evaluate(TAKE, {"pictures": [picture(2)]})
    drawn(script, 2)


def test_a_view_that_is_gone_from_the_page_listens_no_more(script: Any) -> None:
    script.evaluate("end()")
    assert script.evaluate("handlers.length") == 0


CELLS = (
    "import time\nfrom pathlib import Path\nfrom kit.learning.live_view import live_view",
    "view = live_view(loop=True)\nview",
    "while not Path('enough').exists(): time.sleep(0.05)",
    "view.close()\nprint('closed after', view.drawn)",
)
LISTEN = """() => {
  window.seen = [];
  document.querySelector(".kit-live-view").addEventListener("drawn", ({ detail }) => {
    const { sequence, detections, looked_at } = detail;
    seen.push({ sequence, looked_at, boxes: detections.map(({ box }) => box) });
  });
}"""


def recorded_boxes() -> dict[int, list[list[float]]]:
    """What the model saw in each frame of the run that comes with the kit."""
    found: dict[int, list[list[float]]] = {}
    for record in Recording(share_path("datasets/runs/standard")):
        if record.type == Prediction.type_name():
            seen = Prediction.model_validate(record.fields)
            found[seen.frame.sequence] = [list(sign.box) for sign in seen.detections]
        elif record.type == Frame.type_name():
            found.setdefault(record.fields["frame"]["sequence"], [])
    return found


@pytest.mark.slow
def test_in_jupyterlab_the_newest_picture_is_drawn_with_its_boxes_while_a_cell_runs(
    page: Any, tmp_path: Path
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, tmp_path / "watch.ipynb")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with jupyterlab(tmp_path) as url:
        page.goto(f"{url}/lab/tree/watch.ipynb")
        page.wait_for_function(HAS_KERNEL)
        page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(".kit-live-view[data-drawn]")
        page.evaluate(LISTEN)
        page.wait_for_function("seen.length >= 20 && seen.some(({ boxes }) => boxes.length)")
        seen = page.evaluate("seen")
        (tmp_path / "enough").touch()
        page.wait_for_selector(".jp-OutputArea-output:has-text('closed after')")
        assert page.locator(".kit-live-view").count() == 0
        assert page.locator(".jp-OutputArea-output img").count() == 1
    sequences = [one["sequence"] for one in seen]
    assert sequences == sorted(sequences)  # the same once more when its boxes come late
    known = recorded_boxes()
    told = {one["sequence"]: one["boxes"] for one in seen if one["looked_at"]}
    assert {s: boxes for s, boxes in told.items() if s in known} == {
        s: known[s] for s in told if s in known
    }
    assert any(one["boxes"] for one in seen)
    outside = [one for one in asked if not one.startswith((url, "data:", "blob:"))]
    assert outside == []
