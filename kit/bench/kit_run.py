"""The kit's own services, measured stage by stage while a train goes round and round."""

from __future__ import annotations

import os
import time
from statistics import median

from kit.bench.busy import crowded
from kit.bench.reader import Reader
from kit.bench.stand import Stand, stand
from kit.bench.traces import (
    BLE_WRITE,
    PICTURE_TO_CONSOLE,
    RESULT_TO_CONSOLE,
    Arrangement,
    StageRun,
)
from kit.bench.usage import sample, usage
from kit.events import Motion, Stage, TrainState

SERVICES = ("capture", "inference", "decision", "streaming")
"""The services besides control, in the order of the flow."""

WARM_UP_S = 1.5
"""How long the train is under way before the measurement begins, seconds."""

PATIENCE_S = 30.0
"""How long to wait for one step, seconds."""

_LOOK_EVERY_S = 0.05
_MOVING = {Motion.CRUISING, Motion.SLOWED}


def measure_kit(fps: float, seconds: float, *, busy: int = 0, writes: int = 10) -> StageRun:
    """Measure the kit's services, as processes, on the virtual set and brokers of its own.

    The virtual set, the brokers, all services and a reader of Kafka run on this machine. The way
    of a frame is told by its marks. Only a change of speed is written to the hub, so that after
    the measured time the train is stopped and set off again for the Bluetooth stage.

    Args:
        fps: Frames a second, to 30.
        seconds: How long to measure.
        busy: How many other programs are to compute on the model's processor meanwhile.
        writes: How often the train is stopped and set off again.

    Raises:
        KitError: If something does not start, or the train does not answer.
    """
    with (
        stand(SERVICES, fps=fps, kafka=True) as it,
        Reader(it.settings) as reader,
        crowded(it.pids["inference"], busy),
    ):
        me = {"bench": os.getpid()}
        _set_off(it)
        _keep_going(it, WARM_UP_S)
        began_ns, first = time.monotonic_ns(), sample(it.pids, alone=me)
        stopped = _keep_going(it, seconds)
        ended_ns, then = time.monotonic_ns(), sample(it.pids, alone=me)
        written_ms = _writes(it, reader, writes)
        # What was captured before the end has long come by now, the last writes being later.
        traces = reader.traces(since_ns=began_ns, until_ns=ended_ns)
        sizes_kb = reader.sizes_kb(traces)
        return StageRun(
            Arrangement.KIT,
            fps=fps,
            seconds=seconds,
            last=Stage.ACTED,
            traces=tuple(traces),
            more={
                BLE_WRITE: written_ms,
                PICTURE_TO_CONSOLE: reader.pictures_ms(traces),
                RESULT_TO_CONSOLE: reader.states_ms(traces),
            },
            usage=usage(first, then, seconds=(ended_ns - began_ns) / 1e9),
            stopped=stopped,
            frame_kb=round(median(sizes_kb), 1) if sizes_kb else None,
        )


def _set_off(it: Stand) -> None:
    """Arm the train until it is under way: a busy machine may stop it before it is."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        it.operator.arm(timeout_s=PATIENCE_S)
        state = it.operator.wait_for(_decided, PATIENCE_S)
        if state.motion in _MOVING:
            return
        if time.monotonic() >= ends:
            it.operator.wait_for(lambda s: s.motion in _MOVING, 0)  # raises, and says its state


def _decided(state: TrainState) -> bool:
    return state.latched or state.motion in _MOVING


def _keep_going(it: Stand, seconds: float) -> int:
    """Let the train go round; return how often it stopped by itself and was armed again."""
    stopped = 0
    ends = time.monotonic() + seconds
    while (left_s := ends - time.monotonic()) > 0:
        state = it.operator.state
        if state is not None and state.latched:
            stopped += 1
            _set_off(it)
        time.sleep(max(0.0, min(left_s, _LOOK_EVERY_S)))
    return stopped


def _writes(it: Stand, reader: Reader, times: int) -> list[float]:
    """Stop the train and set it off, again and again; return what each write took, milliseconds."""
    taken: list[float] = []
    for _ in range(times):
        it.log.forget()
        said_ns = time.monotonic_ns()
        it.operator.emergency_stop("bench: measures the write of a brake")
        order_ns = reader.order_since(said_ns, timeout_s=PATIENCE_S)
        brake = it.log.first_brake(since_ns=order_ns, timeout_s=PATIENCE_S)
        taken.append((brake.at_ns - order_ns) / 1e6)
        # Else it would be taken to be under way still, and never be armed.
        it.operator.wait_for(lambda s: s.latched and s.motion is Motion.STOPPED, PATIENCE_S)
        it.log.forget()
        armed_ns = time.monotonic_ns()
        _set_off(it)
        set_off_ns = reader.set_off_since(armed_ns, timeout_s=PATIENCE_S)
        power = it.log.first_power(since_ns=set_off_ns, timeout_s=PATIENCE_S)
        taken.append((power.at_ns - set_off_ns) / 1e6)
    return taken
