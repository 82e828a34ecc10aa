"""The camera of the virtual set as a process of its own, started by ``python -m kit.sim``.

Painting takes most of a virtual set's computing time; apart from the radio, it cannot keep a
brake waiting.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

import cv2

from kit.child import announce_ready, exit_with_parent
from kit.errors import CameraError, KitError
from kit.sim.camera import CameraServer, Shot
from kit.sim.journal import Journal
from kit.sim.mishaps import CameraMishap, MishapLens
from kit.sim.renderer import Renderer
from kit.sim.scenario import load_scenario
from kit.sim.window import Window

_LOOK_EVERY_S = 0.05


def main() -> int:
    """Film the world until told to end.

    Returns:
        Exit code.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    exit_with_parent()
    cv2.setNumThreads(1)
    arguments = _parse(sys.argv[1:])
    try:
        _film(arguments, stop)
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kit.sim.filming")
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--world-port", type=int, required=True)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--mishaps", action="store_true")
    return parser.parse_args(argv)


def _film(arguments: argparse.Namespace, stop: threading.Event) -> None:
    renderer = Renderer(load_scenario(arguments.scenario), seed=arguments.seed)
    with (
        Window("127.0.0.1", arguments.world_port) as window,
        Journal(arguments.truth, fresh=False) as journal,
    ):
        renderer.render(window.look())  # the first picture takes longer than the others
        mishaps = MishapLens()

        def shoot() -> Shot | None:
            try:
                state = window.look()
            except CameraError:  # the world ends before its camera does
                stop.set()
                return None
            if not mishaps.delivers(window.mishap):
                return None
            image, truth = renderer.render(state)
            return mishaps.spoil(Shot(image, [sign.as_json() for sign in truth]), window.mishap)

        with CameraServer(
            shoot, fps=arguments.fps, on_frame=lambda facts: journal.note("frame", **facts)
        ) as camera:
            announce_ready(camera=camera.url)
            if arguments.mishaps:
                _mind_the_cable(camera, arguments.world_port, stop)
            stop.wait()


def _mind_the_cable(camera: CameraServer, world_port: int, stop: threading.Event) -> None:
    with Window("127.0.0.1", world_port) as window:
        while not stop.wait(_LOOK_EVERY_S):
            try:
                window.look()
            except CameraError:  # the world ends before its camera does
                return
            camera.plug(plugged=window.mishap is not CameraMishap.UNPLUGGED)


if __name__ == "__main__":
    sys.exit(main())
