"""Orders to trains, as the console sends them off."""

from __future__ import annotations

import asyncio
import threading

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.console import controls
from kit.console.controls import Controls, Order, Trouble
from kit.console.latches import latch_of
from kit.errors import BrokerError
from kit.events import Motion
from tests.console import make
from tests.waiting import PATIENCE_S

SETTINGS = Settings(mqtt_url=SecretStr("mqtt://127.0.0.1:1"), arm_key=SecretStr("key"))


def test_a_latch_has_a_name_that_does_not_tell_its_challenge() -> None:
    first, second = (
        make.state("t", Motion.STOPPED, latched=True, challenge=text) for text in ("one", "two")
    )
    assert latch_of(first) != latch_of(second)
    assert "one" not in str(latch_of(first))
    assert latch_of(make.state("t", Motion.STOPPED)) is None


def test_no_slow_order_holds_a_stop_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, stopped = threading.Event(), threading.Event()

    def emergency_stop(*_: object, **__: object) -> object:
        stopped.set()
        return object()

    def switch_capture(*_: object, **__: object) -> bool:
        return slow.wait(PATIENCE_S)

    monkeypatch.setattr(controls, "emergency_stop", emergency_stop)
    monkeypatch.setattr(controls, "switch_capture", switch_capture)

    async def order() -> None:
        changed = asyncio.Event()
        orders = Controls(SETTINGS, changed=changed.set)
        for number in range(40):
            orders.switch_capture(f"train-{number}", on=False)
        orders.stop("train-0")
        await asyncio.wait_for(changed.wait(), PATIENCE_S)
        assert stopped.is_set()
        assert (orders.told("train-0") or {})["under_way"] == [Order.PAUSE]
        slow.set()

    asyncio.run(order())


def test_what_cannot_be_carried_out_is_told_until_the_next_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def emergency_stop(*_: object, **__: object) -> object:
        raise BrokerError("Nobody answers")

    monkeypatch.setattr(controls, "emergency_stop", emergency_stop)

    async def order() -> list[object]:
        changed = asyncio.Event()
        orders = Controls(SETTINGS, changed=changed.set)
        orders.arm("t", seen="of-yesterday", state=make.state("t", Motion.STOPPED))
        first = (orders.told("t") or {})["latest"]
        orders.stop("t")
        during = orders.told("t") or {}
        await asyncio.wait_for(changed.wait(), PATIENCE_S)
        return [first, during, (orders.told("t") or {})["latest"]]

    first, during, last = asyncio.run(order())
    assert first == {"order": Order.ARM, "trouble": Trouble.CHANGED_SINCE, "detail": ""}
    assert during == {"under_way": [Order.STOP], "can_arm": True, "latest": None}
    assert isinstance(last, dict)
    assert (last["order"], last["trouble"]) == (Order.STOP, Trouble.NOT_CARRIED_OUT)
    assert last["detail"] == "Nobody answers."


def test_without_a_broker_no_order_is_offered_and_without_a_key_no_arming() -> None:
    nothing = Controls(Settings(), changed=lambda: None)
    assert nothing.told("t") is None
    keyless = Controls(SETTINGS.model_copy(update={"arm_key": None}), changed=lambda: None)
    state = make.state("t", Motion.STOPPED, latched=True, challenge="one")
    keyless.arm("t", seen=str(latch_of(state)), state=state)
    told = keyless.told("t")
    assert told is not None
    assert (told["can_arm"], told["latest"]["trouble"]) == (False, Trouble.NO_KEY)
