"""Models before the gate, measured for real: what passes is promoted, what does not says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.mlops.registry.duel import Ground, coco_ground, contend, drawn_ground
from kit.mlops.registry.gate import GateRules
from kit.mlops.registry.promotion import (
    Outcome,
    current_model,
    promote_file,
    promote_version,
    publish_file,
)
from kit.mlops.registry.store import Registry
from kit.mlops.registry.trust import SigningKey, make_keys
from tests.mlops.registry.variants import shifted, slow, without_number
from tests.vision.onnx_models import red_rectangle, write_model

RULES = GateRules(latency_ratio=4.0, more_false_alarms=1000.0)


@pytest.fixture
def ground(photos: Path) -> Ground:
    return coco_ground(photos, photos / "coco.json", sign_free=4)


@pytest.fixture
def in_use(registry: Registry, model: Path, key: SigningKey) -> Registry:
    """A registry in which version 1.0.0, which finds red rectangles, is promoted."""
    publish_file(model, registry, key=key)
    registry.promote("1.0.0", by="ada")
    return registry


def bring(
    path: Path, registry: Registry, key: SigningKey | None, ground: Ground, rules: GateRules = RULES
) -> Outcome:
    return promote_file(path, registry, key=key, ground=ground, rules=rules, by="grace")


def refusal(outcome: Outcome, registry: Registry) -> str:
    """Return the reasons of a refusal, after a look whether anything was promoted all the same."""
    assert not outcome.promoted
    promotion = registry.promoted()
    assert promotion is not None
    assert promotion.version == "1.0.0"
    return "; ".join(outcome.verdict.reasons)


def test_a_model_that_is_no_worse_is_signed_published_and_promoted(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    path = red_rectangle(tmp_path / "two.onnx", version="2.0.0")
    outcome = bring(path, in_use, key, ground)
    assert outcome.promoted, outcome.verdict
    assert (outcome.version, outcome.current) == ("2.0.0", "1.0.0")
    promotion = in_use.promoted()
    assert promotion == outcome.promotion
    assert promotion is not None
    assert (promotion.version, promotion.previous, promotion.by) == ("2.0.0", "1.0.0", "grace")
    figures = in_use.manifest("2.0.0").figures
    assert figures is not None
    assert figures.map50 == pytest.approx(1.0)
    assert figures.per_class == {"DangerAhead": pytest.approx(1.0)}
    assert (figures.images, figures.sign_free) == (6, 4)
    assert figures.latency_ms > 0
    json.dumps(outcome.as_json)


def test_a_published_version_is_promoted_as_well(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    publish_file(red_rectangle(tmp_path / "two.onnx", version="2.0.0"), in_use, key=key)
    outcome = promote_version("2.0.0", in_use, ground=ground, rules=RULES, by="grace")
    assert outcome.promoted, outcome.verdict


def test_a_model_that_is_worse_in_a_class_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    outcome = bring(shifted(tmp_path / "two.onnx", version="2.0.0"), in_use, key, ground)
    assert "AP50 of DangerAhead: 0.000" in refusal(outcome, in_use)
    assert "2.0.0" not in in_use.versions()


def test_a_slower_model_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    rules = GateRules(latency_ratio=1.5, more_false_alarms=1000.0)
    outcome = bring(slow(tmp_path / "two.onnx", version="2.0.0"), in_use, key, ground, rules)
    assert "speed: " in refusal(outcome, in_use)


def test_a_model_with_other_classes_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    classes = ["Cat", "Dog", "Stop"]
    path = red_rectangle(tmp_path / "two.onnx", version="2.0.0", classes=classes)
    assert "classes: Cat, Dog, Stop" in refusal(bring(path, in_use, key, ground), in_use)


def test_a_model_whose_answer_is_no_number_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    path = without_number(tmp_path / "two.onnx", version="2.0.0")
    reasons = refusal(bring(path, in_use, key, ground), in_use)
    assert reasons.startswith("measured: ")
    assert "not a number" in reasons


def test_what_is_no_model_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    (tmp_path / "two.onnx").write_text("no model")
    reasons = refusal(bring(tmp_path / "two.onnx", in_use, key, ground), in_use)
    assert "cannot be opened" in reasons


def test_a_model_of_another_kind_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    import onnx

    same = onnx.helper.make_node("Identity", ["images"], ["scores"])
    twin = onnx.helper.make_node("Identity", ["images"], ["boxes"])
    path = write_model(tmp_path / "two.onnx", [same, twin], version="2.0.0")
    assert "not of the kit's kind" in refusal(bring(path, in_use, key, ground), in_use)


def test_a_model_that_is_too_large_is_refused(
    in_use: Registry, key: SigningKey, ground: Ground, tmp_path: Path
) -> None:
    path = red_rectangle(tmp_path / "two.onnx", version="2.0.0")
    rules = RULES.model_copy(update={"max_bytes": 1000})
    assert "size: " in refusal(bring(path, in_use, key, ground, rules), in_use)


def test_without_a_key_a_model_is_refused_as_unsigned(
    in_use: Registry, ground: Ground, tmp_path: Path
) -> None:
    path = red_rectangle(tmp_path / "two.onnx", version="2.0.0")
    assert "signature: unsigned" in refusal(bring(path, in_use, None, ground), in_use)


def test_a_model_signed_with_a_key_that_is_not_trusted_is_refused(
    in_use: Registry, ground: Ground, tmp_path: Path
) -> None:
    path = red_rectangle(tmp_path / "two.onnx", version="2.0.0")
    stranger = make_keys(tmp_path / "stranger")
    assert "unknown key" in refusal(bring(path, in_use, stranger, ground), in_use)


def test_a_published_version_that_is_not_to_be_believed_is_refused_unloaded(
    in_use: Registry, ground: Ground, tmp_path: Path
) -> None:
    stranger = make_keys(tmp_path / "stranger")
    publish_file(red_rectangle(tmp_path / "two.onnx", version="2.0.0"), in_use, key=stranger)
    outcome = promote_version("2.0.0", in_use, ground=ground, rules=RULES, by="mallory")
    reasons = refusal(outcome, in_use)
    assert "not trusted" in reasons
    assert "measured: it was not loaded" in reasons
    assert outcome.contenders[0].figures is None


def test_both_models_are_measured_on_the_same_pictures(
    model: Path, ground: Ground, tmp_path: Path
) -> None:
    new, old = contend(shifted(tmp_path / "two.onnx", version="2.0.0"), model, ground)
    assert new.figures is not None
    assert old.figures is not None
    assert new.figures.set_hash == old.figures.set_hash == ground.set_hash
    assert (new.figures.map50, old.figures.map50) == (pytest.approx(0.0), pytest.approx(1.0))


def test_the_hash_of_a_set_tells_its_pictures_and_labels_apart(photos: Path) -> None:
    before = coco_ground(photos, photos / "coco.json").set_hash
    assert coco_ground(photos, photos / "coco.json").set_hash == before
    coco = json.loads((photos / "coco.json").read_text())
    coco["annotations"][0]["bbox"][0] += 1
    (photos / "coco.json").write_text(json.dumps(coco))
    assert coco_ground(photos, photos / "coco.json").set_hash != before


def test_without_photos_pictures_are_drawn(model: Path) -> None:
    ground = drawn_ground(3, sign_free=1)
    assert len(ground.photos) == 3
    assert ground.set_hash == drawn_ground(3).set_hash != drawn_ground(3, seed=1).set_hash


def test_while_none_is_promoted_the_kits_own_model_is_the_current_one(registry: Registry) -> None:
    with current_model(registry) as path:
        assert path.parts[-3:] == ("datasets", "model", "signs.onnx")


def test_a_promoted_model_that_was_tampered_with_is_no_yardstick(
    in_use: Registry, tmp_path: Path
) -> None:
    import fsspec

    fs, root = fsspec.core.url_to_fs(in_use.url)
    fs.pipe_file(f"{root}/models/signs/1.0.0/signs.onnx", b"bad")
    with current_model(in_use) as path:
        assert path.parts[-3:] == ("datasets", "model", "signs.onnx")
