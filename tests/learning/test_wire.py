"""Messages in words: those that a train meets, and bytes that are none."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.learning.wire import in_words, wire_table
from kit.train.hub import Hub
from kit.train.wire_trace import Passed, WireTrace
from tests.services.hub_thread import hub_thread
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("08 00 81 00 11 51 00 64", "port A: power 100 %"),
        ("08 00 81 00 11 51 00 ba", "port A: power -70 %"),
        ("08 00 81 00 11 51 00 7f", "port A: brake"),
        ("08 00 81 01 11 51 00 00", "port B: off"),
        ("08 00 81 32 11 51 00 06", "the hub's own light: green"),
        ("05 00 82 00 0a", "port A: completed, idle"),
        ("0f 00 04 00 01 02 00 00 00 00 10 00 00 00 10", "port A: a train motor is plugged in"),
        ("05 00 04 00 00", "port A: nothing is plugged in any more"),
        ("06 00 01 06 06 57", "battery: 87 %"),
        ("05 00 01 06 02", "battery: enable updates"),
        ("06 00 01 02 06 01", "button: pressed"),
        ("0a 00 47 3c 00 14 00 00 00 01", "port 3c (voltage): each change by 20 will be told"),
        ("06 00 01 05 06 c8", "rssi: -56 dBm"),
        ("06 00 45 3c b8 0b", "port 3c (voltage): the value b8 0b"),
        ("06 00 03 01 04 ff", "the alert 'low voltage' is on"),
        ("04 00 02 30", "the hub: will switch off"),
        ("05 00 05 81 06", "refused, a message of type 81: invalid use"),
        ("04 00 81 00", "not understood: "),
    ],
)
def test_a_message_says_what_it_is_about(message: str, words: str) -> None:
    assert in_words(bytes.fromhex(message)).startswith(words)


@given(data=st.binary(max_size=40) | st.binary(max_size=20).map(lambda b: bytes([len(b) + 1]) + b))
def test_any_bytes_at_all_have_words(data: bytes) -> None:
    assert in_words(data)


def test_the_table_tells_when_and_which_way() -> None:
    passed = [
        Passed(1_000_000_000, sent=True, data=bytes.fromhex("08 00 81 00 11 51 00 7f")),
        Passed(1_250_000_000, sent=False, data=b"<\x00"),
    ]
    page = wire_table(passed).data
    assert page.index("0.000 s") < page.index("kit → hub") < page.index("port A: brake")
    assert page.index("0.250 s") < page.index("hub → kit")
    assert wire_table(passed, since_ns=0).data.count("1.250 s") == 1


def test_an_empty_table_is_a_table() -> None:
    assert wire_table([]).data.startswith("<table>")


def test_a_trace_keeps_the_newest_and_counts_all() -> None:
    trace = WireTrace(kept=3)
    for number in range(5):
        trace.note(bytes([number]), sent=True)
    assert [one.data[0] for one in trace.passed] == [2, 3, 4]
    assert trace.count == 5


def test_a_trace_sees_what_the_hub_is_told_and_what_it_answers() -> None:
    trace = WireTrace()

    async def run(source: str) -> None:
        async with Hub(source, link=trace.link) as hub:
            await hub.set_power(30)
            await hub.brake()
            assert await hub.braked(PATIENCE_S)

    with hub_thread() as it:
        asyncio.run(run(it.source))
    words = [(one.sent, in_words(one.data)) for one in trace.passed]
    power, brake = words.index((True, "port A: power 30 %")), len(words) - 1
    while words[brake] != (True, "port A: brake"):
        brake -= 1
    assert power < brake < words.index((False, "port A: completed, idle"))
    assert (False, "port A: a train motor is plugged in") in words
