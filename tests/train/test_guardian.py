"""The guardian: when the controller's process dies or hangs, the train is braked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from kit.child import Child
from kit.errors import HubError
from kit.train.guardian import Guardian, Watch, _with_address, brake
from tests.train.conftest import RemoteHub
from tests.waiting import PATIENCE_S, wait_until

BRAKE = 127


def _control(hub: RemoteHub, *flags: str) -> Child:
    argv = [sys.executable, "-m", "tests.train.control_process", "--hub", hub.source, *flags]
    return Child(argv, name="controller")


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


GONE: dict[str, tuple[tuple[str, ...], signal.Signals | None]] = {
    "kill -9": ((), signal.SIGKILL),
    "SIGSTOP": ((), signal.SIGSTOP),
    "hang": (("--hang",), None),
}
"""How a controller is lost: the flags it is started with, and the signal it gets."""


@pytest.mark.parametrize("how", GONE)
def test_a_controller_that_is_lost_leaves_a_braked_train(remote_hub: RemoteHub, how: str) -> None:
    flags, number = GONE[how]
    for _ in range(3):  # on a busy machine a train may be braked before its controller is lost
        with _control(remote_hub, *flags) as control:
            guardian = control.ready(timeout_s=PATIENCE_S)["guardian"]
            began_ns = time.monotonic_ns()
            if number:
                control.signal(number)
            remote_hub.wait(lambda: remote_hub.motor[-1] == BRAKE)
            control.signal(signal.SIGKILL)
            wait_until(partial(gone, guardian), "the guardian has said its last word to the hub")
        brakes_ns = [t for t, data in remote_hub.written if t > began_ns and data.endswith("7f")]
        if brakes_ns:  # a figure to read, not to test
            sys.stdout.write(f"{how}: braked after {(brakes_ns[0] - began_ns) / 1e6:.0f} ms\n")
            return
    pytest.fail("each time the train was braked before its controller was lost")


def test_without_a_guardian_a_killed_controller_leaves_a_running_train(
    remote_hub: RemoteHub,
) -> None:
    with _control(remote_hub, "--no-guardian") as control:
        control.ready(timeout_s=PATIENCE_S)
        control.signal(signal.SIGKILL)
        control.stop()
    assert remote_hub.motor[-1] == 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_controller_that_is_told_to_end_brakes_by_itself(
    remote_hub: RemoteHub, number: signal.Signals
) -> None:
    with _control(remote_hub, "--no-guardian") as control:
        control.ready(timeout_s=PATIENCE_S)
        control.signal(number)
        assert control.stop(timeout_s=PATIENCE_S) == 0
    assert remote_hub.motor[-1] == BRAKE


def test_a_goodbye_ends_the_guardian_without_a_word_to_the_hub(remote_hub: RemoteHub) -> None:
    with Guardian(remote_hub.source) as guardian:
        assert guardian.beat()
    assert remote_hub.written == []


def test_an_exception_leaves_the_guardian_to_brake(remote_hub: RemoteHub) -> None:
    guardian = Guardian(remote_hub.source)
    guardian.__enter__()
    guardian.beat()
    guardian.__exit__(RuntimeError, RuntimeError(), None)
    remote_hub.wait(lambda: BRAKE in remote_hub.motor)
    assert guardian._child is not None
    assert guardian._child._process.wait() == 3


def test_a_guardian_that_is_gone_is_told_and_replaced(remote_hub: RemoteHub) -> None:
    with Guardian(remote_hub.source) as guardian:
        first = guardian.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        child = guardian._child
        assert child is not None
        remote_hub.wait(lambda: child.exit_code is not None)
        assert not guardian.beat()
        assert guardian.pid != first
        assert guardian.beat()


def test_a_guardian_that_is_not_wanted_does_nothing() -> None:
    with Guardian("ble", enabled=False) as guardian:
        assert guardian.beat()
        assert guardian.pid is None


def test_a_hub_out_of_reach_is_tried_again_until_the_time_is_up() -> None:
    with pytest.raises(HubError, match="could not brake the train"):
        asyncio.run(brake("hci:tcp-client:127.0.0.1:1", try_for_s=0.2))


def test_a_hub_that_comes_into_reach_is_braked(remote_hub: RemoteHub) -> None:
    assert asyncio.run(brake(remote_hub.source)) >= 1
    assert remote_hub.motor[-1] == BRAKE


@pytest.mark.parametrize(
    ("words", "brakes"),
    [
        ([b".", b"."], True),
        ([b".", b".q"], False),
        ([b"q"], False),
        ([], False),  # it never moved the train
    ],
)
def test_the_end_of_the_beats_means_a_brake_unless_they_said_goodbye(
    words: list[bytes], *, brakes: bool
) -> None:
    async def run() -> bool:
        beats = asyncio.StreamReader()
        for word in words:
            beats.feed_data(word)
        beats.feed_eof()
        return await Watch(PATIENCE_S).silent(beats)

    assert asyncio.run(run()) is brakes


@pytest.mark.parametrize(
    "words", [[b"@AA:BB\n.", b"."], [b"@", b"AA:", b"BB\n", b"."], [b".@AA:BB\n."]]
)
def test_the_address_of_the_controllers_hub_is_read_among_the_beats(words: list[bytes]) -> None:
    async def run() -> tuple[bool, str | None]:
        beats = asyncio.StreamReader()
        watch = Watch(PATIENCE_S)
        ended = asyncio.ensure_future(watch.silent(beats))
        for word in words:
            beats.feed_data(word)
            await asyncio.sleep(0)
        beats.feed_eof()
        return await ended, watch.address

    assert asyncio.run(run()) == (True, "AA:BB")


@pytest.mark.parametrize(
    ("source", "address", "braked"),
    [
        ("ble", "AA:BB", "ble:AA:BB"),
        ("ble:Thomas", "AA:BB", "ble:AA:BB"),
        ("ble", None, "ble"),
        ("hci:usb:0", "AA:BB", "hci:usb:0"),
    ],
)
def test_no_other_hub_is_braked_in_place_of_the_controllers(
    source: str, address: str | None, braked: str
) -> None:
    assert _with_address(source, address) == braked


def test_silence_means_a_brake() -> None:
    async def run() -> bool:
        beats = asyncio.StreamReader()
        beats.feed_data(b".")
        return await Watch(0.01).silent(beats)

    assert asyncio.run(run())


def test_before_the_first_beat_the_hub_may_take_its_time() -> None:
    async def run() -> bool:
        beats = asyncio.StreamReader()
        watch = asyncio.ensure_future(Watch(0.01).silent(beats))
        await asyncio.sleep(0.05)
        assert not watch.done()
        beats.feed_data(b".")
        return await watch

    assert asyncio.run(run())


def test_a_guardian_that_braked_says_so_and_is_replaced(
    remote_hub: RemoteHub, tmp_path: Path
) -> None:
    log = tmp_path / "guardian.log"
    with Guardian(remote_hub.source, silence_s=0.05, log=log) as guardian:
        guardian.beat()
        child = guardian._child
        assert child is not None
        remote_hub.wait(lambda: child.exit_code == 3)
        assert not guardian.beat()
    assert "The train was braked" in log.read_text()
