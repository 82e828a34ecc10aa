"""What a mission is to do, validated before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kit.config import validated

SCENARIO = "standard"
"""Scenario of the virtual set when none is named."""

HUB_ONLY_SCENARIO = "endless"
"""Scenario when only the virtual hub is used, and the pictures come from elsewhere."""


class Plan(BaseModel):
    """The parameters of one mission.

    Attributes:
        seconds: How long the train may be under way, seconds.
        scenario: Scenario of the virtual set: a name or a YAML file.
        seed: Varies the scenario; the same one gives the same set.
        fps: Frames a second.
        out: Folder that gets a folder for this run; the settings' ``runs_dir`` if None.
        source: Where pictures come from; the virtual set's camera if None.
        hub: Which hub to drive; the virtual set's if None.
        model: An ONNX model; the shipped one if empty.
        provider: Where the model runs.
        registry: Folder or URL of a registry whose promoted model is run and whose promotions are
            followed; none if empty.
        harvest: Folder that gets the frames that the model doubts; none are kept if empty.
        runtime: ``notebooks`` runs them by papermill, ``processes`` the bare services.
        console: Whether the console page is served.
        stay: Whether to go on after the train has stopped, until ``seconds`` are over.
        resume_after_s: With ``stay``, for a track in a loop: how long the train stands for a sign
            before it goes on by itself, seconds; 0 means that it waits to be armed.
        countdown_s: How long the train stands, all services at work, before it is armed, seconds.
        pictures: Whether the recording has the frames' pictures; without, only the report's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    scenario: Annotated[str, Field(min_length=1)] = SCENARIO
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    fps: Annotated[float, Field(gt=0, le=30)] = 10.0
    out: Path | None = None
    source: str | None = None
    hub: str | None = None
    model: str = ""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    registry: str = ""
    harvest: str = ""
    runtime: Literal["notebooks", "processes"] = "notebooks"
    console: bool = True
    stay: bool = False
    resume_after_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    countdown_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    pictures: bool = True

    @classmethod
    def parse(cls, **values: Any) -> Self:
        """Validate what came from a command line.

        Raises:
            ConfigError: If a value is unknown or cannot be; names it.
        """
        return validated(cls, values)

    @field_validator("source")
    @classmethod
    def _without_password(cls, source: str | None) -> str | None:
        if source and urlsplit(source).password:
            msg = "a run's files keep the source, so its URL must hold no password"
            raise ValueError(msg)
        return source

    @property
    def on_track(self) -> bool:
        """Whether the train that moves is the one whose camera is seen: on the virtual track."""
        return self.source is None and self.hub is None

    @property
    def needs_virtual_set(self) -> bool:
        """Whether the virtual set is needed, for its camera, its hub or both."""
        return self.source is None or self.hub is None

    @property
    def set_scenario(self) -> str:
        """The scenario that the virtual set is to run."""
        return self.scenario if self.source is None else HUB_ONLY_SCENARIO
