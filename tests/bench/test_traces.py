"""From marks to figures: each frame counted once, each stage from the mark before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.bench.classic import first_command, from_older, to_older
from kit.bench.classic_run import join, read_notes
from kit.bench.stages import Stages, goal_kept, parse_rates, save, tell
from kit.bench.traces import (
    BLE_WRITE,
    Arrangement,
    FrameCount,
    Growth,
    StageRun,
    Trace,
    count_frames,
    fill_gaps,
    stage_durations,
)
from kit.bench.usage import Sample, Usage, usage
from kit.errors import ConfigError
from kit.events import Box, Detection, Label, Stage
from kit.interop.formats import OlderCommand, OlderImage, decode_result, encode_result

_MS = 1_000_000


def _trace(sequence: int, **marks_ms: float) -> Trace:
    at_ns = sequence * 100 * _MS
    marks = {Stage(name): at_ns + round(ms * _MS) for name, ms in marks_ms.items()}
    return Trace(sequence, at_ns, marks)


def _run(*traces: Trace, fps: float = 10.0, kind: Arrangement = Arrangement.KIT) -> StageRun:
    return StageRun(
        kind,
        fps=fps,
        seconds=2.0,
        last=Stage.ACTED,
        traces=traces,
        more={BLE_WRITE: [3.0], "never": []},
        usage=(Usage("inference", 0.5, 25.0, 200.0),),
    )


def test_a_stage_lasts_from_the_mark_before_it() -> None:
    whole = _trace(0, encoded=2, frame_received=3, decoded=5, inferred=15)
    gap = _trace(1, encoded=2, decoded=6)
    assert stage_durations([whole, gap]) == {
        "encode JPEG": [2.0, 2.0],
        "frame over MQTT": [1.0],
        "decode": [2.0, 4.0],
        "detect": [10.0],
    }


def test_a_frame_is_dropped_if_a_later_one_was_acted_on_and_else_waits() -> None:
    traces = [_trace(0, acted=9), _trace(1), _trace(2, encoded=1), _trace(3, acted=9), _trace(4)]
    assert count_frames(traces, last=Stage.ACTED) == FrameCount(5, acted=2, dropped=2, waiting=1)


def test_without_any_frame_nothing_was_dropped() -> None:
    assert count_frames([], last=Stage.ACTED) == FrameCount(0, 0, 0, 0)


@given(acted=st.dictionaries(st.integers(0, 200), st.booleans(), max_size=80))
def test_each_frame_is_acted_on_dropped_or_waits(acted: Mapping[int, bool]) -> None:
    traces = [_trace(number, **({"acted": 5} if did else {})) for number, did in acted.items()]
    found = count_frames(traces, last=Stage.ACTED)
    assert found.captured == len(acted)
    assert found.acted + found.dropped + found.waiting == found.captured
    assert found.acted == sum(acted.values())


def test_frames_that_were_never_seen_are_filled_in_between_two_that_were() -> None:
    filled = fill_gaps([_trace(7, acted=1), _trace(4, acted=1), _trace(7)])
    assert [trace.sequence for trace in filled] == [4, 5, 6, 7]
    assert [bool(trace.marks) for trace in filled] == [True, False, False, True]
    assert filled[1].captured_ns == filled[0].captured_ns


def test_growth_compares_the_ends_of_a_run() -> None:
    growing = Growth.of([(n / 10, 20.0 + n) for n in range(100)])
    assert growing == Growth(first_ms=29.5, last_ms=109.5, ms_per_s=10.0)
    steady = Growth.of([(n / 10, 20.0) for n in range(100)])
    assert steady is not None
    assert steady.ms_per_s == 0
    assert Growth.of([(0.0, 1.0)] * 9) is None


def test_a_run_tells_its_figures_and_leaves_out_what_nothing_passed() -> None:
    run = _run(_trace(0, encoded=2, acted=15), _trace(1), _trace(2, encoded=3, acted=25))
    told = run.as_dict()
    assert told["latency_ms"]["p50"] == 15.0
    assert told["latency_ms"]["p99"] == 25.0
    assert told["frames"] == {"captured": 3, "acted": 2, "dropped": 1, "waiting": 0}
    assert list(told["stages"]) == ["encode JPEG", "act", BLE_WRITE]
    assert run.points == [(0.0, 15.0), (0.2, 25.0)]
    assert told["processes"][0]["part"] == "inference"
    assert "3 captured, 2 acted on, 1 dropped, 0 waiting" in tell(run)


def test_a_run_in_which_nothing_arrived_has_no_latency() -> None:
    run = _run(_trace(0, encoded=2))
    assert run.latency is None
    assert run.as_dict()["latency_ms"] is None
    assert goal_kept(run) is None


@pytest.mark.parametrize(
    ("fps", "acted_ms", "kept"),
    [(10, 20.0, True), (10, 20.1, False), (30, 80.0, True), (30, 80.1, False), (15, 20.0, None)],
)
def test_a_goal_is_kept_or_not_or_there_is_none(fps: float, acted_ms: float, *, kept: bool) -> None:
    assert goal_kept(_run(_trace(0, acted=acted_ms), fps=fps)) is kept


def test_the_classic_arrangement_has_no_goal() -> None:
    assert goal_kept(_run(_trace(0, acted=1), kind=Arrangement.CLASSIC)) is None


def test_figures_ways_and_plot_are_saved(tmp_path: Path) -> None:
    fast = _run(*(_trace(n, encoded=1, acted=20) for n in range(20)))
    slow = _run(*(_trace(n, acted=500 + 400 * n) for n in range(20)), kind=Arrangement.CLASSIC)
    load = {"processors": 2, "load_1min": 0.5, "load_5min": 0.5}
    save(Stages((fast, slow), 3, load, load), tmp_path)
    told = json.loads((tmp_path / "stages.json").read_text())
    assert told["stages"]["encode JPEG"]["p50"] == 1.0
    assert [run["arrangement"] for run in told["runs"]] == ["kit", "classic"]
    ways = [json.loads(line) for line in (tmp_path / "frames.jsonl").read_text().splitlines()]
    assert len(ways) == 40
    assert ways[1]["marks"] == {"encoded": 101 * _MS, "acted": 120 * _MS}
    assert (tmp_path / "stages.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["", "ten", "0", "31", "10,-1", "nan"])
def test_rates_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="frames a second"):
        parse_rates(text)


def test_rates_come_with_commas() -> None:
    assert parse_rates("10, 30,") == (10.0, 30.0)


def test_usage_is_the_difference_and_the_most_memory() -> None:
    first = {"a": Sample(1.0, 100.0), "gone": Sample(1.0, 1.0)}
    then = {"a": Sample(2.5, 90.0), "new": Sample(1.0, 1.0)}
    assert usage(first, then, seconds=3.0) == (Usage("a", 1.5, 50.0, 100.0),)


def _notes() -> list[dict[str, object]]:
    frames = [
        {"kind": "captured", "sequence": n, "id": 1000 + n, "captured_ns": n, "encoded_ns": n + 1}
        for n in range(0, 40, 10)
    ]
    seen = [
        {"kind": "inferred", "id": 1000 + n, "received_ns": n + 2, "decoded_ns": n + 3}
        | {"inferred_ns": n + 4}
        for n in (0, 20, 30)  # the broker lost one
    ]
    decided = [
        {"kind": "decided", "id": 1000 + n, "received_ns": n + 5, "decided_ns": n + 6}
        for n in (0, 20, 30)
    ]
    commanded = [{"kind": "commanded", "received_ns": n + 7} for n in (0, 20)]
    return [*frames, *seen, *decided, *commanded]


def test_commands_without_an_id_are_told_apart_by_their_order() -> None:
    traces = join(_notes(), until_ns=1000)
    reached = {t.sequence: t.marks.get(Stage.COMMAND_RECEIVED) for t in traces}
    assert reached == {0: 7, 10: None, 20: 27, 30: None}
    assert [len(trace.marks) for trace in traces] == [7, 1, 7, 6]
    assert count_frames(traces, last=Stage.COMMAND_RECEIVED) == FrameCount(4, 2, 1, 1)


def test_what_happened_after_the_time_was_over_does_not_count() -> None:
    traces = join(_notes(), until_ns=25)
    assert [trace.sequence for trace in traces] == [0, 10, 20]
    assert Stage.INFERRED in traces[2].marks or traces[2].marks[Stage.DECODED] == 23
    assert Stage.COMMAND_RECEIVED not in traces[2].marks


def test_a_note_that_is_still_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"kind": "captured", "id": 1}\n{"kind": "capt')
    assert read_notes(path) == [{"kind": "captured", "id": 1}]


def test_the_classic_result_keeps_boxes_and_decides_by_the_first_sign() -> None:
    import numpy as np

    found = (
        Detection(label=Label.SPEED_LIMIT, confidence=0.9, box=Box(10, 20, 30, 40)),
        Detection(label=Label.STOP, confidence=0.8, box=Box(100, 20, 30, 40)),
    )
    image = np.zeros((400, 600, 3), np.uint8)
    seen = decode_result(encode_result(to_older(found, OlderImage(7, b"jpeg"), image)))
    back = from_older(seen)
    assert [one.label for one in back] == [Label.SPEED_LIMIT, Label.STOP]
    assert back[0].box == pytest.approx((10, 20, 30, 40), abs=0.05)
    assert first_command(seen) is OlderCommand.SLOW
    stop_first = to_older(found[::-1], OlderImage(7, b"jpeg"), image)
    assert first_command(stop_first) is OlderCommand.STOP
    assert first_command(to_older((), OlderImage(7, b"jpeg"), image)) is OlderCommand.NONE
