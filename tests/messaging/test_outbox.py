"""What waits on disk until Kafka has acknowledged it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.messaging.kafka.outbox import ROW_BYTES, Outbox, OutboxLimits, Parcel, Shelf

EVENTS, IMAGES = Shelf


def parcel(text: str, size: int = 10) -> Parcel:
    return Parcel(text, "topic", b"key", {"ce_id": text.encode()}, text.encode().ljust(size))


def texts(outbox: Outbox, shelf: Shelf = EVENTS) -> list[str]:
    return [waiting.event_id for waiting in outbox.after(shelf, 0, 10_000)]


def test_parcels_come_out_in_order_and_whole(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    for text in ("b", "é", "a"):
        outbox.put(EVENTS, parcel(text))
    assert texts(outbox) == ["b", "é", "a"]
    assert replace(outbox.after(EVENTS, 0, 1)[0], number=0) == parcel("b")
    outbox.close()


def test_a_parcel_stays_until_it_is_removed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    numbers = [outbox.put(EVENTS, parcel(text)) for text in "abc"]
    outbox.remove(EVENTS, numbers[1], up_to=True)
    outbox.remove(EVENTS, numbers[1], up_to=True)
    assert (outbox.waiting(EVENTS), texts(outbox)) == (1, ["c"])
    outbox.remove(EVENTS, numbers[2])
    assert (outbox.waiting(EVENTS), outbox.bytes) == (0, 0)
    outbox.close()


def test_an_event_that_waits_already_is_not_kept_twice(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    assert outbox.put(EVENTS, parcel("a")) > 0
    assert outbox.put(EVENTS, parcel("a", 99)) == 0
    assert (outbox.waiting(EVENTS), texts(outbox)) == (1, ["a"])
    outbox.close()


def test_only_parcels_between_two_numbers_are_listed_when_asked(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    numbers = [outbox.put(EVENTS, parcel(str(n))) for n in range(6)]
    found = outbox.after(EVENTS, numbers[1], 10, before=numbers[4])
    assert [p.event_id for p in found] == ["2", "3"]
    outbox.close()


def test_numbers_are_never_used_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    first = outbox.put(EVENTS, parcel("a"))
    outbox.remove(EVENTS, first)
    outbox.close()
    outbox = Outbox(tmp_path / "outbox")
    assert outbox.put(EVENTS, parcel("b")) > first
    outbox.close()


def test_what_a_killed_process_had_put_is_there_for_the_next(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from kit.messaging.kafka.outbox import Outbox, Parcel, Shelf
outbox = Outbox(Path(sys.argv[1]))
for number in range(500):
    outbox.put(Shelf.EVENTS, Parcel(str(number), "t", b"k", {}, b"value"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "outbox"
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -9
    outbox = Outbox(path)
    assert outbox.waiting(EVENTS) == 500
    assert texts(outbox) == [str(number) for number in range(500)]
    outbox.close()


def test_a_second_process_is_kept_out_as_long_as_the_first_one_lives(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "outbox"
    first = Outbox(path)
    with pytest.raises(ConfigError, match="KIT_SPOOL_DIR"):
        Outbox(path)
    first.close()
    first.close()
    Outbox(path).close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    path.write_bytes(b"this is no database" * 100)
    for _ in range(2):
        with pytest.raises(ConfigError, match="remove the file"):
            Outbox(path)


def test_without_a_file_it_is_kept_in_memory() -> None:
    outbox = Outbox(None)
    outbox.put(EVENTS, parcel("a"))
    outbox.checkpoint()
    assert texts(outbox) == ["a"]
    outbox.close()


puts = st.lists(st.tuples(st.sampled_from(Shelf), st.integers(1, 400)), max_size=60)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(puts=puts, max_bytes=st.integers(2000, 8000))
def test_images_go_oldest_first_and_events_only_when_no_image_is_left(
    puts: list[tuple[Shelf, int]], max_bytes: int
) -> None:
    outbox = Outbox(None, limits=OutboxLimits(max_bytes=max_bytes))
    put: dict[Shelf, list[str]] = {EVENTS: [], IMAGES: []}
    for number, (shelf, size) in enumerate(puts):
        lost = outbox.given.lost
        images = outbox.waiting(IMAGES)
        outbox.put(shelf, parcel(str(number), size))
        put[shelf].append(str(number))
        assert outbox.bytes <= max_bytes
        if outbox.given.lost > lost:
            assert outbox.waiting(IMAGES) == 0
        elif outbox.waiting(IMAGES) > images:  # one more only if none had to go
            assert shelf is IMAGES
    for shelf, gone in ((EVENTS, outbox.given.lost), (IMAGES, outbox.given.thinned)):
        assert texts(outbox, shelf) == put[shelf][gone:]
        assert outbox.waiting(shelf) == len(put[shelf]) - gone
    outbox.close()


@settings(deadline=None)
@given(puts=puts)
def test_no_event_and_no_more_images_than_needed_go_while_events_fit(
    puts: list[tuple[Shelf, int]],
) -> None:
    of_events = sum(size + 100 + ROW_BYTES for shelf, size in puts if shelf is EVENTS)
    room = of_events + 2000
    outbox = Outbox(None, limits=OutboxLimits(max_bytes=room))
    for number, (shelf, size) in enumerate(puts):
        outbox.put(shelf, parcel(str(number), size))
    assert outbox.given.lost == 0
    if outbox.given.thinned:  # one image more, the largest there is, would not have fit
        assert outbox.bytes > room - of_events - 800
    outbox.close()


def test_what_was_counted_is_what_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    limits = OutboxLimits(max_bytes=20_000)
    outbox = Outbox(tmp_path / "outbox", limits=limits)
    for number in range(100):
        outbox.put((EVENTS, IMAGES)[number % 2], parcel(str(number), 200))
    counted = [outbox.bytes, *(outbox.waiting(shelf) for shelf in Shelf)]
    outbox.close()
    outbox = Outbox(tmp_path / "outbox", limits=limits)
    assert [outbox.bytes, *(outbox.waiting(shelf) for shelf in Shelf)] == counted
    outbox.close()


def aged(path: Path, **ages_s: float) -> None:
    """Make what waits as old as told, by shelf."""
    with sqlite3.connect(path) as db:
        for shelf, age_s in ages_s.items():
            db.execute(f"UPDATE {shelf} SET at_s = ?", (time.time() - age_s,))
    db.close()


def test_images_and_events_that_are_too_old_go_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    limits = OutboxLimits(image_age_s=100, event_age_s=1000)
    outbox = Outbox(path, limits=limits)
    for shelf in Shelf:
        outbox.put(shelf, parcel("old"))
    aged(path, events=500, images=500)
    outbox.expire()
    assert (outbox.given.thinned, outbox.given.lost) == (1, 0)
    assert (texts(outbox), texts(outbox, IMAGES)) == (["old"], [])
    aged(path, events=1500)
    outbox.expire()
    assert (outbox.given.lost, texts(outbox)) == (1, [])
    outbox.close()


def test_a_clock_that_is_set_ages_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(EVENTS, parcel("from before the clock was set"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 400 * 86_400)
    outbox.expire()
    assert (outbox.given.lost, outbox.waiting(EVENTS)) == (0, 1)
    outbox.expire()
    assert outbox.given.lost == 0
    outbox.close()


def test_the_file_shrinks_when_all_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    outbox = Outbox(path)
    numbers = [outbox.put(IMAGES, parcel(str(n), 40_000)) for n in range(100)]
    outbox.checkpoint()
    large = path.stat().st_size
    outbox.remove(IMAGES, numbers[-1], up_to=True)
    outbox.checkpoint()
    outbox.checkpoint()
    assert large > 4_000_000
    assert path.stat().st_size < large / 10
    outbox.close()
