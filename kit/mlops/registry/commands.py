"""The command line's share of this room: ``kit promote`` and ``kit registry``."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import JsonFlag, emit
from kit.config import Settings
from kit.errors import ConfigError

if TYPE_CHECKING:
    from kit.mlops.registry.announcing import Announcer
    from kit.mlops.registry.duel import Ground
    from kit.mlops.registry.promotion import Outcome
    from kit.mlops.registry.store import Promotion, Registry

RegistryOption = Annotated[
    str | None, typer.Option(help="Folder or URL; KIT_REGISTRY, else runs/registry.")
]
Trains = Annotated[list[str] | None, typer.Option("--train-id", help="Tell this train; repeat.")]
Mqtt = Annotated[str | None, typer.Option(help="Broker to tell it by; KIT_MQTT_URL.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for what the trains make of it.")]
Who = Annotated[str | None, typer.Option("--by", help="Who does it; your user name.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    app.command("promote")(promote)
    group = typer.Typer(
        name="registry", help="Look after the models that trains may run.", no_args_is_help=True
    )
    commands: dict[str, Callable[..., None]] = {
        "keys": keys,
        "publish": publish,
        "list": versions,
        "verify": verify,
        "history": history,
        "roll-back": roll_back,
    }
    for name, command in commands.items():
        group.command(name)(command)
    app.add_typer(group)


def promote(
    *,
    model: Annotated[str, typer.Argument(help="An ONNX file, or a version of the registry.")],
    registry: RegistryOption = None,
    images: Annotated[Path | None, typer.Option(help="Folder of labelled photos.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="Their signs, as a COCO file.")] = None,
    pictures: Annotated[
        int, typer.Option(min=1, help="Labelled pictures to draw where no photos are given.")
    ] = 200,
    sign_free: Annotated[
        int, typer.Option(min=0, help="Pictures without a sign to count false alarms in.")
    ] = 300,
    class_loss: Annotated[
        float, typer.Option(min=0, max=1, help="What a class may lose in average precision.")
    ] = 0.02,
    latency_ratio: Annotated[
        float, typer.Option(min=1, help="How many times as long it may take.")
    ] = 1.25,
    train_id: Trains = None,
    mqtt: Mqtt = None,
    wait: Wait = 0.0,
    by: Who = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure a model beside the current one; promote it if it is no worse, else say why not.

    Exits with 1 if it is refused. A file is signed and published before it is promoted.
    """
    from kit.mlops.registry.gate import GateRules
    from kit.mlops.registry.promotion import promote_file, promote_version

    opened = _open(registry)
    rules = GateRules(class_loss=class_loss, latency_ratio=latency_ratio)
    is_file = Path(model).is_file()
    if not is_file and model not in opened.versions():
        raise ConfigError(
            f"'{model}' is neither a file nor a version of the registry",
            expected=f"an ONNX file, or one of {', '.join(opened.versions()) or 'no version yet'}",
            got=opened.url,
        )
    with ExitStack() as stack:
        announcer = _announcer(stack, train_id, mqtt)
        ground = _ground(images, annotations, pictures=pictures, sign_free=sign_free)
        who = by or getpass.getuser()
        if is_file:
            outcome = promote_file(
                Path(model), opened, key=_key_if_any(), ground=ground, rules=rules, by=who
            )
        else:
            outcome = promote_version(model, opened, ground=ground, rules=rules, by=who)
        told = _tell(announcer, outcome.promotion, opened, wait)
    emit({**outcome.as_json, **told}, as_json=as_json, text=_judgement(outcome, told))
    if not outcome.promoted:
        raise typer.Exit(1)


def keys(*, as_json: JsonFlag = False) -> None:
    """Make a key to sign models with, and trust it on this machine."""
    from kit.mlops.registry.trust import PRIVATE_KEY, TRUSTED, keys_folder, make_keys

    folder = keys_folder(Settings.load())
    key = make_keys(folder)
    public = folder / TRUSTED / f"{key.key_id}.pub"
    text = (
        f"Key {key.key_id}\n  private: {folder / PRIVATE_KEY} (keep it to yourself)\n"
        f"  public:  {public} (copy it into the same folder of each train)"
    )
    result = {"key": key.key_id, "private": str(folder / PRIVATE_KEY), "public": str(public)}
    emit(result, as_json=as_json, text=text)


def publish(
    *,
    model: Annotated[Path, typer.Argument(help="An ONNX file.")],
    registry: RegistryOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign a model and add it to the registry, without promoting it."""
    from kit.mlops.registry.promotion import publish_file
    from kit.mlops.registry.trust import keys_folder, load_signing_key

    opened = _open(registry)
    key = load_signing_key(keys_folder(Settings.load()))
    manifest = publish_file(model, opened, key=key)
    result = {"version": manifest.version, "sha256": manifest.sha256, "registry": opened.url}
    text = f"Version {manifest.version} is in {opened.url}, signed with {key.key_id}."
    emit(result, as_json=as_json, text=text)


def versions(*, registry: RegistryOption = None, as_json: JsonFlag = False) -> None:
    """List the versions, whether each is to be believed, and which one is promoted."""
    opened = _open(registry)
    promotion = opened.promoted()
    promoted = promotion.version if promotion else None
    found = [
        _state(opened, version) | {"promoted": version == promoted} for version in opened.versions()
    ]
    lines = [
        f"{'*' if one['promoted'] else ' '} {one['version']:<20}{one['created'] or '':<22}"
        f"{one['trouble'] or 'signed'}"
        for one in found
    ]
    result = {"registry": opened.url, "promoted": promoted, "versions": found}
    emit(result, as_json=as_json, text="\n".join(lines) or f"No version yet in {opened.url}.")


def verify(
    *,
    version: Annotated[str, typer.Argument(help="A version of the registry.")],
    registry: RegistryOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a version's signature and hashes, and show its manifest."""
    _, manifest = _open(registry).fetch(version)
    emit(manifest.model_dump(mode="json"), as_json=as_json)


def history(*, registry: RegistryOption = None, as_json: JsonFlag = False) -> None:
    """Show which version was promoted when, and by whom."""
    promotions = _open(registry).history()
    lines = [
        f"{p.at:%Y-%m-%d %H:%M:%S}  {p.act:<10}{p.version:<20}by {p.by}  {p.reason}"
        for p in promotions
    ]
    result = {"history": [p.model_dump(mode="json") for p in promotions]}
    emit(result, as_json=as_json, text="\n".join(lines) or "None was promoted yet.")


def roll_back(
    *,
    to: Annotated[str | None, typer.Option(help="Which version; the one before.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    registry: RegistryOption = None,
    train_id: Trains = None,
    mqtt: Mqtt = None,
    wait: Wait = 0.0,
    by: Who = None,
    as_json: JsonFlag = False,
) -> None:
    """Point the trains at an earlier version again, at once and without the gate."""
    opened = _open(registry)
    with ExitStack() as stack:
        announcer = _announcer(stack, train_id, mqtt)
        promotion = opened.roll_back(by=by or getpass.getuser(), to=to, reason=reason)
        told = _tell(announcer, promotion, opened, wait)
    text = "\n".join([f"Back at version {promotion.version}.", *_answers(told)])
    emit({**promotion.model_dump(mode="json"), **told}, as_json=as_json, text=text)


def _open(url: str | None) -> Registry:
    from kit.mlops.registry.store import open_registry

    return open_registry(url)


def _key_if_any() -> Any:
    """Return the key, or None where none was made yet; the gate then says that it is missing."""
    from kit.mlops.registry.trust import PRIVATE_KEY, keys_folder, load_signing_key

    folder = keys_folder(Settings.load())
    return load_signing_key(folder) if (folder / PRIVATE_KEY).exists() else None


def _ground(
    images: Path | None, annotations: Path | None, *, pictures: int, sign_free: int
) -> Ground:
    from kit.mlops.registry.duel import coco_ground, drawn_ground

    if images is None and annotations is None:
        return drawn_ground(pictures, sign_free=sign_free)
    if images is None or annotations is None:
        raise ConfigError(
            "Labelled photos need both a folder and annotations",
            expected="--images DIR --annotations FILE",
        )
    return coco_ground(images, annotations, sign_free=sign_free)


def _announcer(stack: ExitStack, trains: list[str] | None, mqtt: str | None) -> Announcer | None:
    """Connect first: whoever is to tell trains must be able to, before anything is promoted."""
    from kit.mlops.registry.announcing import announcing

    settings = Settings.load()
    url = mqtt or (settings.mqtt_url.get_secret_value() if settings.mqtt_url else None)
    if url is None:
        if trains:
            raise ConfigError(
                "There is no broker to tell the trains by",
                expected="--mqtt URL, or the environment variable KIT_MQTT_URL",
            )
        return None
    return stack.enter_context(
        announcing(trains or [settings.train_id], url=url, settings=settings)
    )


def _tell(
    announcer: Announcer | None, promotion: Promotion | None, registry: Registry, wait: float
) -> dict[str, Any]:
    if announcer is None or promotion is None:
        return {"announced": [], "answers": {}}
    announcer.tell(promotion, registry=registry.url)
    answers = announcer.wait_for_answers(promotion, wait) if wait else {}
    return {
        "announced": list(announcer.train_ids),
        "answers": {
            train_id: {"status": str(answer.status), "reason": answer.reason}
            for train_id, answer in answers.items()
        },
    }


def _state(registry: Registry, version: str) -> dict[str, Any]:
    from kit.errors import KitError

    try:
        manifest = registry.manifest(version)
    except KitError as error:
        return {"version": version, "created": None, "map50": None, "trouble": error.problem}
    figures = manifest.figures
    return {
        "version": version,
        "created": f"{manifest.created:%Y-%m-%d %H:%M:%S}",
        "map50": figures.map50 if figures else None,
        "trouble": "",
    }


def _judgement(outcome: Outcome, told: dict[str, Any]) -> str:
    word = "promoted" if outcome.promoted else "refused"
    head = f"Version {outcome.version} is {word}; it was compared with {outcome.current}."
    return "\n".join([str(outcome.verdict), head, *_answers(told)])


def _answers(told: dict[str, Any]) -> list[str]:
    silent = [name for name in told["announced"] if name not in told["answers"]]
    heard = [f"{name}: {a['status']}, {a['reason']}" for name, a in told["answers"].items()]
    return [*heard, *(f"{name}: told" for name in silent)]
