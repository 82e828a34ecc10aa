"""The first signal ends the mission in order, the next one hurries the end."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from kit.runtime.interrupts import SIGNALS, Interrupts


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_interrupts(number: int) -> None:
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        send(number)

    assert not interrupts.impatient.is_set()


def test_the_second_signal_is_impatience_and_breaks_nothing() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        send(signal.SIGINT)

    assert interrupts.impatient.is_set()


def test_once_the_end_has_begun_no_signal_breaks_it() -> None:
    with Interrupts() as interrupts:
        interrupts.shield()
        send(signal.SIGINT)

    assert interrupts.impatient.is_set()


def test_the_handlers_of_before_are_put_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]

    with Interrupts():
        pass

    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_outside_of_the_main_thread_nothing_is_touched() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert seen == [before]
