"""The mailbox with one slot."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from kit.messaging.mailbox import LatestMailbox


def test_an_item_is_taken_once() -> None:
    box: LatestMailbox[int] = LatestMailbox()
    box.put(1)
    assert box.get(0) == 1
    assert box.get(0) is None


def test_a_newer_item_replaces_the_older_and_is_counted() -> None:
    box: LatestMailbox[int] = LatestMailbox()
    for item in range(5):
        box.put(item)
    assert box.get(0) == 4
    assert box.dropped == 4


@given(st.lists(st.sampled_from(["put", "get"]), max_size=50))
def test_every_item_is_taken_dropped_or_still_there(calls: list[str]) -> None:
    box: LatestMailbox[int] = LatestMailbox()
    taken = [box.get(0) if call == "get" else box.put(n) for n, call in enumerate(calls)]
    rest = box.get(0)
    found = [item for item in [*taken, rest] if item is not None]
    assert found == sorted(found)
    assert len(found) + box.dropped == calls.count("put")


def test_who_waits_gets_what_comes() -> None:
    box: LatestMailbox[str] = LatestMailbox()
    found: list[str | None] = []
    waiting = threading.Thread(target=lambda: found.append(box.get(30)))
    waiting.start()
    box.put("news")
    waiting.join()
    assert found == ["news"]


def test_closing_wakes_who_waits() -> None:
    box: LatestMailbox[str] = LatestMailbox()
    found: list[str | None] = ["nothing yet"]
    waiting = threading.Thread(target=lambda: found.append(box.get()))
    waiting.start()
    box.close()
    waiting.join()
    assert found[-1] is None


def test_a_closed_mailbox_takes_nothing_and_has_nothing() -> None:
    box: LatestMailbox[int] = LatestMailbox()
    box.put(1)
    box.close()
    box.put(2)
    assert box.closed
    assert box.get() is None
    assert box.dropped == 0


def test_none_of_many_items_from_many_threads_is_lost_uncounted() -> None:
    box: LatestMailbox[int] = LatestMailbox()
    taken = 0

    def produce() -> None:
        for item in range(500):
            box.put(item)

    threads = [threading.Thread(target=produce) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += box.get(0.001) is not None
    taken += box.get(0) is not None
    assert taken + box.dropped == 2000
