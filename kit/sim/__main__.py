"""The virtual set as a process: ``python -m kit.sim --scenario standard --seed 7``.

When it is ready it prints one JSON line that says where its camera and its hub are. It ends
with the process that started it, or on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path

from kit.child import Child, announce_ready, exit_with_parent
from kit.errors import KitError, MissionError
from kit.sim.hub import VirtualHub
from kit.sim.journal import Journal
from kit.sim.live import LiveWorld
from kit.sim.mishaps import Mishaps
from kit.sim.scenario import load_scenario
from kit.sim.window import WindowServer
from kit.sim.world import World

_TICK_S = 0.05
_CAMERA_START_S = 60.0


def main() -> int:
    """Run the virtual set until it is told to end.

    Returns:
        Exit code.
    """
    arguments = _parse(sys.argv[1:])
    exit_with_parent()
    try:
        with Journal(arguments.truth) as journal:
            asyncio.run(_run(arguments, journal))
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kit.sim", description="The virtual set.")
    parser.add_argument("--scenario", default="standard", help="a name, or a YAML file")
    parser.add_argument("--seed", type=int, default=0, help="varies the scenario")
    parser.add_argument("--fps", type=_pace, default=30.0, help="pictures a second, 1 to 120")
    parser.add_argument("--truth", type=Path, help="file that gets what truly happened")
    parser.add_argument(
        "--mishaps", action="store_true", help="let a client of its own make things go wrong"
    )
    return parser.parse_args(argv)


def _pace(text: str) -> float:
    fps = float(text)
    if not 1 <= fps <= 120:
        msg = f"must be 1 to 120, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return fps


async def _run(arguments: argparse.Namespace, journal: Journal) -> None:
    from kit.sim.mishap_desk import MishapServer
    from kit.sim.radio import VirtualRadio  # needs the optional group 'sim'

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    world = LiveWorld(World(load_scenario(arguments.scenario), seed=arguments.seed), journal)

    def on_message(message: bytes) -> None:
        journal.note("hub", t_ns=time.monotonic_ns(), message=message.hex())

    hub = VirtualHub(world, on_message=on_message)
    mishaps = Mishaps()
    async with (
        WindowServer(lambda: world.state, mishap=lambda: mishaps.camera) as window,
        VirtualRadio(hub) as radio,
        MishapServer(mishaps, radio, enabled=arguments.mishaps) as desk,
    ):
        with _start_camera(arguments, window.port) as camera:
            facts = await asyncio.to_thread(camera.ready, timeout_s=_CAMERA_START_S)
            announce_ready(
                camera=facts["camera"],
                hub=radio.hci_address,
                hub_address=radio.address,
                **({"mishaps": desk.address} if arguments.mishaps else {}),
            )
            await _keep_time(world, camera, stop)


def _start_camera(arguments: argparse.Namespace, world_port: int) -> Child:
    options = [
        f"--scenario={arguments.scenario}",
        f"--seed={arguments.seed}",
        f"--fps={arguments.fps}",
        f"--world-port={world_port}",
    ]
    if arguments.truth:
        options.append(f"--truth={arguments.truth}")
    if arguments.mishaps:
        options.append("--mishaps")
    return Child.module("kit.sim.filming", *options, name="virtual camera")


async def _keep_time(world: LiveWorld, camera: Child, stop: asyncio.Event) -> None:
    """Let the world catch up often, so that its journal is never long behind."""
    while not stop.is_set():
        world.advance()
        if not camera.alive:
            raise MissionError(f"The virtual camera ended with exit code {camera.exit_code}")
        try:
            await asyncio.wait_for(stop.wait(), _TICK_S)
        except TimeoutError:
            continue


if __name__ == "__main__":
    sys.exit(main())
