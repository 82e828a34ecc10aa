"""Going first, where the system grants it, and as before where it does not."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from kit.services.priority import going_first

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these policies")


def test_the_thread_and_those_that_it_starts_go_first_and_then_as_before() -> None:
    before = os.sched_getscheduler(0)
    found = []
    with going_first() as granted:
        thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
        thread.start()
        thread.join()
    assert found == [os.SCHED_RR if granted else before]
    assert os.sched_getscheduler(0) == before


def test_what_is_not_granted_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with going_first() as granted:
        assert not granted


def test_an_error_inside_is_not_hidden_and_ends_it() -> None:
    before = os.sched_getscheduler(0)
    with pytest.raises(ZeroDivisionError), going_first():
        raise ZeroDivisionError
    assert os.sched_getscheduler(0) == before
