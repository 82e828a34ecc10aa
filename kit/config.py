"""Settings of the kit, from environment variables that begin with ``KIT_``.

Secrets live here and nowhere else: notebooks take none as parameters, so that an executed
notebook can be shown to anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.errors import ConfigError

_M = TypeVar("_M", bound=BaseModel)
_PACKAGE = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Where brokers are and what opens them; what is not named is embedded.

    Attributes:
        train_id: Which train this process serves.
        mqtt_url: ``mqtt://user:password@host:port``, or ``mqtts://`` for TLS.
        mqtt_ca_file: Certificate authority of the MQTT broker; the system's if not given.
        kafka_bootstrap: ``host:port`` of the Kafka cluster, comma-separated.
        kafka_security: Kafka's ``security.protocol``.
        kafka_sasl_mechanism: Such as ``SCRAM-SHA-512``; none without SASL.
        kafka_username: For SASL.
        kafka_password: For SASL.
        kafka_ca_file: Certificate authority of the Kafka cluster.
        arm_key: Secret that the controller and the train's operators share.
        runs_dir: Folder that gets a folder for each run.
        spool_dir: Folder that keeps what Kafka has not taken yet; ``runs_dir`` if None.
        registry: Folder or URL of the registry of models; ``registry`` in ``runs_dir`` if None.
        keys_dir: Folder of the keys that models are signed and checked with; one in the
            user's own configuration if None.
        console_viewer_token: What viewers of the console sign in with; one of its own if None,
            which is asked for only beyond this machine.
        console_operator_token: What its operators sign in with; one of its own if None.
        older_mqtt_url: MQTT broker of the older demo's services, for ``kit bridge``; ``mqtt_url``
            if None.
        older_kafka_bootstrap: Their Kafka cluster; ``kafka_bootstrap`` if None.
        leaderboard_url: Address of the leaderboard, for claims.
        leaderboard_token: A participant's token.
        leaderboard_database: Where the leaderboard keeps its log, SQLAlchemy's URL; a file in
            ``runs_dir`` if None.
        metrics_port: First of the ports of 127.0.0.1 on which the services export metrics and
            health, one each; 0 for any free ones; none if None.
        prometheus_token: Bearer token of the Prometheus or Thanos that ``kit leaderboard collect``
            reads.
        prometheus_ca_file: Certificate authority of it; the system's if not given.
        leaderboard_organiser_token: The organiser's token of a running leaderboard.
    """

    model_config = SettingsConfigDict(env_prefix="KIT_", frozen=True, extra="ignore")

    train_id: str = "train-1"
    mqtt_url: SecretStr | None = None
    mqtt_ca_file: Path | None = None
    kafka_bootstrap: str | None = None
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    arm_key: SecretStr | None = None
    runs_dir: Path = Field(default=Path("runs"))
    spool_dir: Path | None = None
    registry: str | None = None
    keys_dir: Path | None = None
    console_viewer_token: SecretStr | None = None
    console_operator_token: SecretStr | None = None
    older_mqtt_url: SecretStr | None = None
    older_kafka_bootstrap: str | None = None
    leaderboard_url: str | None = None
    leaderboard_token: SecretStr | None = None
    leaderboard_database: SecretStr | None = None
    metrics_port: Annotated[int, Field(ge=0, le=65_000)] | None = None
    prometheus_token: SecretStr | None = None
    prometheus_ca_file: Path | None = None
    leaderboard_organiser_token: SecretStr | None = None

    @field_validator("registry")
    @classmethod
    def _same_for_children(cls, registry: str | None) -> str | None:
        """Make a path absolute: programs that the kit starts may run in another folder."""
        if registry is None or "://" in registry:
            return registry
        return str(Path(registry).resolve())

    @classmethod
    def load(cls) -> Settings:
        """Read the environment.

        Raises:
            ConfigError: If a variable has a value that cannot be.
        """
        try:
            return cls()
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            name = "KIT_" + "_".join(map(str, fault["loc"])).upper()
            raise ConfigError(
                f"The environment variable {name} is wrong", got=fault["msg"]
            ) from error

    def environment(self) -> dict[str, str]:
        """Return the variables that give a child process these same settings, wherever it runs."""
        return {f"KIT_{name.upper()}": _plain(value) for name, value in self if value is not None}


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value.resolve() if isinstance(value, Path) else value)


def validated(model: type[_M], values: Mapping[str, Any]) -> _M:
    """Build a model from values that came from outside.

    Args:
        model: The pydantic model.
        values: Its fields by name.

    Raises:
        ConfigError: If one is unknown, missing or cannot be; names it.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(map(str, fault["loc"])) or model.__name__
        raise ConfigError(
            f"The parameter '{name}' is wrong: {fault['msg']}",
            expected=f"some of {', '.join(model.model_fields)}",
            got=fault.get("input"),
        ) from error


def share_path(relative: str) -> Path:
    """Find a file or folder that comes with the kit, such as ``datasets/scenarios``.

    Args:
        relative: Path below the repository's top folder; ``datasets/...`` or ``notebooks/...``.

    Returns:
        The path in the installed package, else in the source tree.

    Raises:
        ConfigError: If it is in neither.
    """
    for base in (_PACKAGE / "_share", _PACKAGE.parent):
        if (base / relative).exists():
            return base / relative
    raise ConfigError(
        f"'{relative}' did not come with this installation of the kit",
        fix="install the kit again, or run from a clone of its repository",
    )
