"""Scenarios of the virtual set: what stands where, and what can go wrong.

A scenario is a YAML file, ``datasets/scenarios/NAME.yaml``, or any file of your own. Lengths
are metres along the track or on the table, angles degrees, speeds metres a second.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kit.config import share_path
from kit.errors import ConfigError
from kit.mlops.drawing.signs import find_face
from kit.sim.track import CLEARANCE_M, Piece, Track

Room = Literal["home", "office", "hall", "workshop"]
"""Rooms that the renderer can furnish."""

Lighting = Literal["daylight", "evening", "lamp", "spotlights", "night"]
"""Lights that the renderer can set."""

Table = Literal["ebony", "walnut", "oak", "slate", "white"]
"""Table tops that the renderer can lay."""

_ROOMS: tuple[Room, ...] = ("home", "office", "hall", "workshop")
_LIGHTS: dict[Room, tuple[Lighting, ...]] = {
    "home": ("daylight", "evening", "lamp"),
    "office": ("daylight", "evening"),
    "hall": ("spotlights", "daylight"),
    "workshop": ("daylight", "lamp"),
}
_TABLES: tuple[Table, ...] = ("ebony", "ebony", "walnut", "oak", "slate", "white")
_AT_JITTER_M = 0.06
_OFFSET_JITTER_M = 0.012
_YAW_JITTER_DEG = 9.0

_Unit = Annotated[float, Field(ge=0, le=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Layout(_Model):
    """The track: its pieces in order, from x = 0, y = 0 along the x axis.

    Attributes:
        pieces: Straights and curves.
        closed: Whether the end meets the start, so that the train runs in a loop.
    """

    pieces: tuple[Piece, ...] = Field(min_length=1, max_length=500)
    closed: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        Track(self.pieces, closed=self.closed).check()
        return self


class Sign(_Model):
    """A traffic sign on a post.

    Attributes:
        face: A name of :data:`kit.mlops.drawing.signs.FACES`, such as ``speed_30``.
        at_m: Where along the track.
        side: On which side of the track, seen from the train.
        offset_m: From the middle of the track to the post.
        height_m: From the table to the middle of the face.
        width_m: Of the face.
        yaw_deg: Turn of the face about its post; 0 looks at the coming train.
    """

    face: str
    at_m: Annotated[float, Field(ge=0)]
    side: Literal["left", "right"] = "right"
    offset_m: Annotated[float, Field(ge=0.07, le=0.6)] = 0.12
    height_m: Annotated[float, Field(ge=0.03, le=0.3)] = 0.085
    width_m: Annotated[float, Field(ge=0.01, le=0.12)] = 0.045
    yaw_deg: Annotated[float, Field(ge=-180, le=180)] = 0.0

    @field_validator("face")
    @classmethod
    def _exists(cls, face: str) -> str:
        try:
            find_face(face)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return face

    @property
    def label(self) -> str | None:
        """Class name that a detector should report, None for signs to be ignored."""
        return find_face(self.face).label


class Train(_Model):
    """What moves.

    Attributes:
        mass_kg: Of the whole train.
        free_speed_mps: Speed at full power and nominal voltage if nothing rubbed.
        pull_n: Pull of the motor at standstill and full power.
        friction_n: Rolling friction; it makes the dead zone of the motor.
        drag_n_per_mps2: Drag for each squared metre a second.
        brake_n: Extra force of the shorted motor, on top of the friction.
        motor_lag_s: Time constant of the motor's electronics.
        battery_percent: Charge at the start.
        capacity_ah: Of the batteries.
    """

    mass_kg: Annotated[float, Field(ge=0.1, le=10)] = 0.9
    free_speed_mps: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    pull_n: Annotated[float, Field(ge=0.2, le=20)] = 2.6
    friction_n: Annotated[float, Field(ge=0.01, le=5)] = 0.26
    drag_n_per_mps2: Annotated[float, Field(ge=0, le=5)] = 0.02
    brake_n: Annotated[float, Field(ge=0.05, le=20)] = 0.82
    motor_lag_s: Annotated[float, Field(ge=0.001, le=2)] = 0.06
    battery_percent: Annotated[float, Field(ge=0, le=100)] = 92.0
    capacity_ah: Annotated[float, Field(ge=0.01, le=50)] = 1.1

    @model_validator(mode="after")
    def _can_move(self) -> Self:
        if self.friction_n >= self.pull_n:
            msg = f"friction_n {self.friction_n:g} leaves nothing of pull_n {self.pull_n:g}"
            raise ValueError(msg)
        return self


class CameraMount(_Model):
    """The camera on the train.

    Attributes:
        height_m: Above the table.
        pitch_deg: Tilt; positive looks down.
        hfov_deg: Horizontal field of view.
        exposure_ms: Open time of the shutter, which blurs what moves.
        noise: 0 none, 1 a bad sensor in the dark.
        rocking: 0 none, 1 a train on badly laid track.
    """

    height_m: Annotated[float, Field(ge=0.03, le=0.5)] = 0.09
    pitch_deg: Annotated[float, Field(ge=-20, le=45)] = 8.0
    hfov_deg: Annotated[float, Field(ge=25, le=110)] = 62.0
    exposure_ms: Annotated[float, Field(ge=0, le=40)] = 8.0
    noise: _Unit = 0.3
    rocking: _Unit = 0.3


class Scenario(_Model):
    """Everything that makes a run on the virtual set, but its seed.

    Attributes:
        name: Short name.
        title: One line for people.
        expect: What a good crew brings about: it stops before the danger, slows for a
            curve, derails because nothing warns it, or runs on.
        track: The track.
        signs: The signs; several may stand close together.
        derails_at_m: Where the rail is broken, if it is.
        ends_after_m: Where a run may end well; None if it goes on until it stops.
        train: What moves.
        camera: The camera on the train.
        room: Around the table; ``any`` leaves it to the seed, as do the next two.
        lighting: The light.
        table: The table top.
        scenery: How many trees, houses and toy people stand about, 0 none to 1 many.
        jitter: How much the seed moves the signs: 0 not at all, 1 by some centimetres.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    expect: Literal["stop", "slow", "derail", "run"]
    track: Layout
    signs: tuple[Sign, ...] = Field(default=(), max_length=200)
    derails_at_m: Annotated[float, Field(ge=0.3)] | None = None
    ends_after_m: Annotated[float, Field(gt=0)] | None = None
    train: Train = Train()
    camera: CameraMount = CameraMount()
    room: Room | Literal["any"] = "any"
    lighting: Lighting | Literal["any"] = "any"
    table: Table | Literal["any"] = "any"
    scenery: _Unit = 0.6
    jitter: _Unit = 1.0

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for problem in _contradictions(self):
            raise ValueError(problem)
        return self

    def build_track(self) -> Track:
        """Lay the track."""
        return Track(self.track.pieces, closed=self.track.closed)

    def varied(self, seed: int) -> Scenario:
        """Return this scenario as one seed makes it.

        Signs move and turn a little, the battery is more or less full, and what is ``any``
        is chosen. The track and the danger stay where they are.

        Args:
            seed: Any whole number; the same one gives the same scenario.
        """
        rng = np.random.default_rng([abs(seed), zlib.crc32(self.name.encode())])
        track = self.build_track()
        room = _ROOMS[rng.integers(len(_ROOMS))] if self.room == "any" else self.room
        lights, tables = _LIGHTS[room], _TABLES
        signs = tuple(self._moved(sign, track, rng) for sign in self.signs)
        spent = float(rng.uniform(0, 8)) * self.jitter
        battery = max(self.train.battery_percent - spent, 0.0)
        return self.model_copy(
            update={
                "room": room,
                "lighting": lights[rng.integers(len(lights))]
                if self.lighting == "any"
                else self.lighting,
                "table": tables[rng.integers(len(tables))] if self.table == "any" else self.table,
                "signs": signs,
                "train": self.train.model_copy(update={"battery_percent": battery}),
            }
        )

    def _moved(self, sign: Sign, track: Track, rng: np.random.Generator) -> Sign:
        shift = rng.uniform(-1, 1, 3) * self.jitter
        moved = sign.model_copy(
            update={
                "at_m": float(np.clip(sign.at_m + shift[0] * _AT_JITTER_M, 0, track.length_m)),
                "offset_m": sign.offset_m + float(shift[1]) * _OFFSET_JITTER_M,
                "yaw_deg": sign.yaw_deg + float(shift[2]) * _YAW_JITTER_DEG,
            }
        )
        return moved if stands_clear(moved, track) else sign


def stands_clear(sign: Sign, track: Track) -> bool:
    """Return whether no part of the track runs through a sign's post."""
    x, y = track.beside(sign.at_m, sign.offset_m if sign.side == "left" else -sign.offset_m)
    return track.distance_to(x, y) >= CLEARANCE_M


def scenario_names() -> list[str]:
    """Return the names of the scenarios that come with the kit, sorted."""
    return sorted(path.stem for path in share_path("datasets/scenarios").glob("*.yaml"))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario.

    Args:
        name_or_path: A name of :func:`scenario_names`, or the path of a YAML file.

    Returns:
        The scenario, validated.

    Raises:
        ConfigError: If there is none of this name, or the file is wrong; the message names
            the file and the field.
    """
    path = _find(name_or_path)
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The scenario file {path} cannot be read", got=str(error)) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"The scenario file {path} is no YAML", got=" ".join(str(error).split())
        ) from error
    if not isinstance(fields, dict):
        raise ConfigError(
            f"The scenario file {path} is wrong",
            expected="a mapping of field names to values",
            got=type(fields).__name__,
        )
    return _validated({"name": path.stem, **fields}, path)


def _find(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if text.endswith((".yaml", ".yml")) or "/" in text:
        return Path(text)
    if text in scenario_names():
        return share_path("datasets/scenarios") / f"{text}.yaml"
    raise ConfigError(
        f"There is no scenario '{text}'",
        expected=f"one of {', '.join(scenario_names())}, or the path of a YAML file",
    )


def _validated(fields: dict[str, Any], path: Path) -> Scenario:
    try:
        return Scenario.model_validate(fields)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        first = faults[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        given = f"; got {first['input']!r}" if isinstance(first["input"], str | int | float) else ""
        raise ConfigError(
            f"The scenario file {path} is wrong in '{where}'{more}",
            got=first["msg"].removeprefix("Value error, ") + given,
            fix=f"correct '{where}'; docs/virtual-set.md lists every field",
        ) from error


def _contradictions(scenario: Scenario) -> Iterator[str]:
    track = scenario.build_track()
    length = track.length_m
    for name in ("derails_at_m", "ends_after_m"):
        value = getattr(scenario, name)
        if value is not None and value > length:
            yield f"{name} {value:g} is beyond the end of the track, which is {length:.2f} m long"
    for index, sign in enumerate(scenario.signs):
        if sign.at_m > length:
            yield (
                f"signs.{index}.at_m {sign.at_m:g} is beyond the end of the track, "
                f"which is {length:.2f} m long"
            )
        elif not stands_clear(sign, track):
            yield f"signs.{index} '{sign.face}' stands on the track at {sign.at_m:g} m"
    if scenario.expect in {"stop", "derail"} and scenario.derails_at_m is None:
        yield f"expect is '{scenario.expect}', but there is no derails_at_m"
    if scenario.expect in {"slow", "run"} and scenario.derails_at_m is not None:
        yield f"expect is '{scenario.expect}', but the track is broken at derails_at_m"
    if scenario.expect == "slow" and not any(p.max_speed_mps for p in scenario.track.pieces):
        yield "expect is 'slow', but no curve has a max_speed_mps"
