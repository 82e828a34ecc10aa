"""Options that several of the presenter's commands take."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kit.runtime.commands import Provider


class Language(StrEnum):
    """Languages of what visitors read."""

    EN = "en"
    FR = "fr"


SourceOption = Annotated[
    str | None, typer.Option(help="Camera that must work, such as /dev/video0 or csi://0.")
]
HubOption = Annotated[
    str | None, typer.Option(help="Hub that must answer: ble, or ble:<name or address>.")
]
HardwareFlag = Annotated[
    bool, typer.Option("--hardware", help="The real camera and hub must be there.")
]
ProviderOption = Annotated[Provider, typer.Option(help="Where the model must run.")]
ModelOption = Annotated[str, typer.Option(help="An ONNX file instead of the kit's model.")]
