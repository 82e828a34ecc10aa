"""A controller in a process of its own, with its guardian; it cruises until something happens.

``python -m tests.train.control_process --hub HUB [--hang]``. It says ``ready`` once the train
is at full power. With ``--hang`` its event loop then stops for good.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import threading

from kit.child import announce_ready, exit_with_parent
from kit.events import Action, Motion
from kit.train.controller import Controller, ControlParameters
from kit.train.guardian import Guardian
from kit.train.hub import Hub
from tests.train.hub_bench import ARM_KEY, PATIENT, arm, command, give
from tests.waiting import until

RULES = ControlParameters(nominal_v=0).model_copy(update=PATIENT)  # powers as the tests know them
GUARDED_S = 2.0  # a machine that stands still for less is no reason to brake


async def _control(source: str, *, hang: bool, guarded: bool) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with Guardian(source, silence_s=GUARDED_S, enabled=guarded) as guardian:
        async with (
            Hub(source) as hub,
            Controller(
                hub,
                RULES,
                train_id="train-1",
                arm_key=ARM_KEY,
                on_state=lambda _: None,
            ) as controller,
        ):
            await until(lambda: controller.motion is Motion.STOPPED)
            guardian.keep_to(hub.address)
            give(controller, arm(controller))
            told = False
            while not ended.is_set():
                guardian.beat()
                give(controller, command(Action.CRUISE))
                if controller.state.power_percent == 60 and not told:
                    told = True
                    announce_ready(pid=os.getpid(), guardian=guardian.pid)
                    if hang:
                        threading.Event().wait()
                await asyncio.sleep(0.05)


def main() -> None:
    """Cruise until a signal comes, or for ever."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hub", required=True)
    parser.add_argument("--hang", action="store_true")
    parser.add_argument("--no-guardian", action="store_true")
    arguments = parser.parse_args()
    exit_with_parent()
    asyncio.run(_control(arguments.hub, hang=arguments.hang, guarded=not arguments.no_guardian))


if __name__ == "__main__":
    main()
