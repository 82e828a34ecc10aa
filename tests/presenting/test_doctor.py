"""The doctor tells the truth about this machine, and how to mend what is wrong."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import SecretStr

from kit.child import Child
from kit.cli import main
from kit.config import Settings, share_path
from kit.errors import HubError
from kit.mlops.registry.store import open_registry
from kit.presenting import broker_check, jetson, machine_check, model_check, radio_check
from kit.presenting.check import Check, State, Wanted
from kit.presenting.doctor import EXAMINATIONS, all_fine, examine
from kit.presenting.jetson import check_power, check_temperature
from kit.presenting.model_check import SHIPPED
from kit.presenting.radio_check import bluez_version
from kit.sim.bluez import BUS_VARIABLE, virtual_bluez
from tests.train.conftest import serve
from tests.waiting import PATIENCE_S

NOBODY = Settings(mqtt_url=SecretStr("mqtt://127.0.0.1:9"), kafka_bootstrap="127.0.0.1:9")
NO_RADIO = {BUS_VARIABLE: "unix:path=/nowhere"}


def look(name: str, wanted: Wanted | None = None, settings: Settings | None = None) -> Check:
    (check,) = examine(wanted or Wanted(), settings or Settings(), only=[name])
    return check


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    with serve(tmp_path_factory.mktemp("hub") / "hub.log") as child:
        yield child


@pytest.fixture(scope="module")
def hub_name(hub: Child) -> str:
    return str(hub.ready()["hub"])


def test_a_camera_is_judged_by_its_real_frames(tmp_path: Path) -> None:
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 255, (480, 640, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    check = look("camera", Wanted(source=str(tmp_path)))
    assert check.state is State.FINE
    assert "640 × 480" in check.detail


def test_a_camera_that_is_asked_for_and_missing_fails_with_a_way_to_mend_it() -> None:
    check = look("camera", Wanted(source="/dev/video77"))
    assert (check.ok, check.state) == (False, State.FAILED)
    assert "video77" in check.detail
    assert "plug it in" in check.fix


def test_bluez_and_its_adapter_are_asked_over_dbus(
    hub_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed: apt install dbus")
    with virtual_bluez(hub_name) as bluez:
        monkeypatch.setenv(BUS_VARIABLE, bluez.environment[BUS_VARIABLE])
        check = look("bluetooth", Wanted(hardware=True))
    assert check.state is State.FINE, check
    assert "BlueZ 5.66" in check.detail
    assert "powered" in check.detail


def test_without_bluetooth_it_is_not_here_unless_the_hub_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(BUS_VARIABLE, NO_RADIO[BUS_VARIABLE])
    assert look("bluetooth").state is State.NOT_HERE
    assert look("hub").state is State.NOT_HERE
    wanted = look("bluetooth", Wanted(hub="ble"))
    assert wanted.state is State.FAILED
    assert "systemctl" in wanted.fix


def test_the_hub_is_connected_and_tells_its_charge(
    hub_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio_check, "FACTS_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(radio_check, "HUB_TIMEOUT_S", 2 * PATIENCE_S)
    check = look("hub", Wanted(hub=hub_name))
    assert check.state is State.FINE, check
    assert " %" in check.detail
    assert "dBm" in check.detail


def test_a_hub_that_does_not_answer_fails() -> None:
    check = look("hub", Wanted(hub="hci:tcp-client:127.0.0.1:1"))
    assert check.state is State.FAILED
    assert check.fix


@pytest.mark.parametrize(
    ("modalias", "version"),
    [
        ("usb:v1D6Bp0246d0542", (5, 66)),
        ("usb:v1D6Bp0246d0537", (5, 55)),
        ("", None),
        ("usb:v1", None),
    ],
)
def test_the_version_of_bluez_is_read_from_its_modalias(
    modalias: str, version: tuple[int, int] | None
) -> None:
    assert bluez_version(modalias) == version


def test_the_model_must_see_the_sign_that_it_is_shown() -> None:
    check = look("model")
    assert check.ok
    assert "sees the danger sign" in check.detail


def test_a_file_that_is_no_model_fails(tmp_path: Path) -> None:
    fake = tmp_path / "fake.onnx"
    fake.write_bytes(b"not a model")
    assert look("model", Wanted(model=str(fake))).state is State.FAILED


def test_a_model_that_differs_from_the_committed_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "signs.onnx"
    shutil.copy(share_path(SHIPPED), shipped)
    monkeypatch.setattr(model_check, "share_path", lambda _name: shipped)
    assert "nothing here to compare" in look("signature").detail
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "a model"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    assert look("signature").state is State.FINE
    shipped.write_bytes(shipped.read_bytes() + b"!")
    assert look("signature").state is State.WARNING


def test_a_model_of_a_registry_must_be_signed_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_KEYS_DIR", str(tmp_path / "keys"))
    registry = str(tmp_path / "registry")
    assert look("signature", Wanted(registry=registry)).state is State.WARNING
    signed = publish(registry)
    assert look("signature", Wanted(registry=registry)).state is State.FINE
    signed.write_bytes(signed.read_bytes()[:-1] + b"!")
    check = look("signature", Wanted(registry=registry))
    assert check.state is State.FAILED
    assert "not the one that was signed" in check.detail


def publish(registry: str) -> Path:
    """Sign, publish and promote the kit's own model; return the published file."""
    for words in (["keys"], ["publish", str(share_path(SHIPPED)), "--registry", registry]):
        with pytest.raises(SystemExit) as end:
            main(["registry", *words])
        assert not end.value.code
    store = open_registry(registry)
    (version,) = store.versions()
    store.promote(version, by="test")
    (model,) = Path(registry).rglob("*.onnx")
    return model


def test_a_provider_that_this_onnxruntime_lacks_fails_and_is_never_replaced() -> None:
    check = look("gpu", Wanted(provider="tensorrt"))
    assert check.state is State.FAILED
    assert "jetson.md" in check.fix or "onnxruntime-gpu" in check.fix


def test_messages_really_go_through_the_brokers(
    mqtt_url: str, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_check, "ROUND_TRIP_S", PATIENCE_S)
    settings = Settings(mqtt_url=SecretStr(mqtt_url), kafka_bootstrap=kafka_bootstrap)
    for name in ("mqtt", "kafka"):
        check = look(name, settings=settings)
        assert check.ok, check
        assert "and back in" in check.detail


@pytest.mark.parametrize("name", ["mqtt", "kafka"])
def test_a_broker_that_is_named_and_silent_fails(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_check, "ROUND_TRIP_S", 2.0)
    check = look(name, settings=NOBODY)
    assert check.state is State.FAILED
    assert "127.0.0.1:9" in check.detail
    assert check.fix


def test_a_disk_that_is_almost_full_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(runs_dir=tmp_path / "runs")
    assert look("disk", settings=settings).ok
    monkeypatch.setattr(machine_check, "LEAST_BYTES", shutil.disk_usage(tmp_path).total + 1)
    assert look("disk", settings=settings).state is State.FAILED
    assert not list(tmp_path.iterdir()), "the probe is left behind"


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(machine_check, "PORTS", {port: "the kiosk"})
        check = look("ports")
    assert check.state is State.WARNING
    assert f"{port} (the kiosk)" in check.detail


def test_both_clocks_are_told() -> None:
    check = look("clock")
    assert "monotonic" in check.detail
    assert "NTP" in check.detail


def thermal(root: Path, name: str, *, now: int, passive: int) -> None:
    """Write a thermal zone as Linux shows one, thousandths of a degree."""
    zone = root / f"sys/class/thermal/{name}"
    zone.mkdir(parents=True)
    (zone / "type").write_text(f"{name}-thermal\n")
    (zone / "temp").write_text(f"{now}\n")
    (zone / "trip_point_0_type").write_text("passive\n")
    (zone / "trip_point_0_temp").write_text(f"{passive}\n")


@pytest.mark.parametrize(
    ("now", "state"), [(45_000, State.FINE), (83_000, State.WARNING), (99_500, State.FAILED)]
)
def test_the_zone_closest_to_its_limit_is_told(tmp_path: Path, now: int, state: State) -> None:
    thermal(tmp_path, "thermal_zone0", now=40_000, passive=99_000)
    thermal(tmp_path, "thermal_zone1", now=now, passive=99_000)
    check = check_temperature(Wanted(), Settings(), root=tmp_path)
    assert check.state is state
    assert f"{now / 1000:.0f} °C at 'thermal_zone1-thermal'" in check.detail


def test_a_machine_without_thermal_zones_says_so(tmp_path: Path) -> None:
    assert check_temperature(Wanted(), Settings(), root=tmp_path).state is State.NOT_HERE


@pytest.mark.parametrize(
    ("mode", "state"), [("MAXN\\n0", State.FINE), ("15W\\n1", State.WARNING), ("", State.WARNING)]
)
def test_the_power_mode_of_a_jetson_is_what_its_program_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, state: State
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").touch()
    program = tmp_path / "nvpmodel"
    program.write_text(f"#!/bin/sh\nprintf 'NV Power Mode: {mode}\\n'\n" if mode else "#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_power(Wanted(), Settings(), root=tmp_path).state is state


def test_power_modes_are_not_here_off_a_jetson(tmp_path: Path) -> None:
    assert check_power(Wanted(), Settings(), root=tmp_path).state is State.NOT_HERE


def test_what_is_not_here_stops_no_show_and_says_so() -> None:
    check = Check("camera", State.NOT_HERE, "no camera")
    assert all_fine([check])
    assert check.as_json()["ok"] is True
    assert check.as_json()["detail"] == "not here: no camera"


def test_a_check_that_breaks_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_wanted: Wanted, _settings: Settings) -> Check:
        raise HubError("It broke", expected="a hub", got="none", fix="mend it")

    monkeypatch.setitem(EXAMINATIONS, "power", breaks)
    power, clock = examine(Wanted(), Settings(), only=["power", "clock"])
    assert (power.state, power.fix) == (State.FAILED, "mend it")
    assert clock.ok


@pytest.mark.parametrize(("asked", "code"), [([], 0), (["--source", "/dev/video77"], 1)])
def test_the_command_ends_well_only_if_nothing_failed(
    capsys: pytest.CaptureFixture[str], asked: list[str], code: int
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--only", "camera", "--only", "power", *asked, "--json"])
    assert (end.value.code or 0) == code
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [set(check) >= {"name", "ok", "detail", "fix"} for check in said["checks"]] == [True] * 2
    assert said["checks"][0]["ok"] is (code == 0)
    assert jetson.is_jetson() or said["checks"][1]["detail"].startswith("not here")
