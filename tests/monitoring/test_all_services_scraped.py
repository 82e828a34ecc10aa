"""The real services on the virtual set, scraped as Prometheus would: their figures move."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric as Family
from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.events import Stage
from kit.monitoring.metrics import METRICS, SERVICES
from kit.runtime.plan import Plan
from kit.runtime.stack import running_stack
from kit.services.operator import Operator
from tests.monitoring.scraping import accepted_by_promtool, fetch, health, scrape, value
from tests.services.setting_off import set_off
from tests.waiting import PATIENCE_S, wait_until

MOVING = {
    "capture": "kit_frames_captured_total",
    "inference": "kit_predictions_total",
    "decision": "kit_decisions_total",
    "control": "kit_commands_received_total",
    "streaming": "kit_kafka_events_total",
}
NOT_HERE = {"kit_hub_signal_dbm"}
"""What the virtual hub's radio cannot tell."""


class Crew:
    """The five services as processes, with the ports that they told."""

    def __init__(self, children: dict[str, Child], ports: dict[str, int]) -> None:
        self.children = children
        self.ports = ports

    def until(self, name: str, seen: Callable[[dict[str, Family]], bool]) -> dict[str, Family]:
        """Scrape a service until something is true of it."""
        found: list[dict[str, Family]] = []

        def came() -> bool:
            found.append(scrape(self.ports[name]))
            return seen(found[-1])

        wait_until(came, f"it is seen of {name}", pause_s=0.05)
        return found[-1]

    def until_well(self, name: str) -> dict[str, Any]:
        """Ask a service how it does until it is well; on a busy machine it may have had to wait."""
        answers: list[dict[str, Any]] = []

        def well() -> bool:
            status, answer = health(self.ports[name])
            answers.append(answer)
            return status == 200

        wait_until(well, lambda: answers[-1], pause_s=0.05)
        return answers[-1]

    def stages(self) -> set[str]:
        """Return the stages that any service has timed."""
        found = [scrape(port).get("kit_stage_duration_seconds") for port in self.ports.values()]
        return {s.labels["stage"] for family in found if family for s in family.samples}


@pytest.fixture(scope="module")
def crew(
    mqtt_url: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crew]:
    """The virtual set and its services; the harvest looks for drift after few frames."""
    folder = tmp_path_factory.mktemp("crew")
    settings = Settings(
        mqtt_url=SecretStr(mqtt_url),
        kafka_bootstrap=kafka_bootstrap,
        spool_dir=folder,
        metrics_port=0,
    )
    plan = Plan.parse(scenario="endless", console=False)
    with ExitStack() as stack:
        set_up = running_stack(plan, settings=settings, logs=folder, truth=folder / "truth.jsonl")
        on = stack.enter_context(set_up)
        more: dict[str, dict[str, object]] = {
            "capture": {"source": on.source, "fps": 20},
            "inference": {
                "harvest": str(folder / "harvest"),
                "harvest_rules": {"drift_window": 30},
            },
            "control": {"hub": on.hub},
        }
        children = {}
        for name in SERVICES:
            values = {"train_id": "scraped", **more.get(name, {})}
            arguments = ("kit.services", name, "--parameters", json.dumps(values))
            child = Child.module(*arguments, name=name, env=on.settings.environment())
            children[name] = stack.enter_context(child)
        facts = {name: child.ready(timeout_s=2 * PATIENCE_S) for name, child in children.items()}
        with Operator(train_id="scraped", settings=on.settings) as operator:
            set_off(operator)
        yield Crew(children, {name: facts[name]["metrics_port"] for name in SERVICES})


@pytest.mark.parametrize("name", SERVICES)
def test_the_figures_of_each_service_move(crew: Crew, name: str) -> None:
    before = value(scrape(crew.ports[name]), MOVING[name])
    crew.until(name, lambda found: value(found, MOVING[name]) >= before + 5)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_comes_to_be_healthy(crew: Crew, name: str) -> None:
    crew.until(name, lambda found: value(found, "kit_service_healthy") == 1)
    answer = crew.until_well(name)
    assert (answer["service"], answer["troubles"]) == (name, [])


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_exports_what_the_docs_say_and_promtool_accepts_it(
    crew: Crew, name: str
) -> None:
    if name == "inference":
        crew.until(name, lambda found: "kit_drift_index" in found)
    if name == "control":
        crew.until(
            name, lambda found: {"kit_battery_volts", "kit_stage_duration_seconds"} <= set(found)
        )
    text = fetch(crew.ports[name])[2]
    accepted_by_promtool(text)
    found = scrape(crew.ports[name])
    exported = {f.name + ("_total" if f.type == "counter" else "") for f in found.values()}
    promised = {m.name for m in METRICS if not m.services or name in m.services} - NOT_HERE
    assert {name for name in exported if name.startswith("kit_")} - NOT_HERE == promised


def test_the_stages_of_a_frame_are_timed_from_its_capture_to_the_act(crew: Crew) -> None:
    wait_until(lambda: crew.stages() == set(Stage), crew.stages, pause_s=0.05)
    crew.until("control", lambda found: value(found, "kit_frame_latency_seconds_count") > 0)


def test_the_model_the_battery_and_the_latch_are_told(crew: Crew) -> None:
    inference, control = scrape(crew.ports["inference"]), scrape(crew.ports["control"])
    assert value(inference, "kit_model_info", provider="CPUExecutionProvider") == 1
    assert 0 < value(control, "kit_battery_ratio") <= 1
    assert value(control, "kit_train_latched") in {0, 1}
    assert value(control, "kit_train_motion") == 1
    assert value(control, "kit_hub_connected") == 1


def test_when_the_camera_ends_the_others_say_what_they_lack(crew: Crew) -> None:
    crew.children["capture"].stop()
    for name, lack in {"inference": "no frame to look", "decision": "no prediction to"}.items():
        crew.until(name, lambda found: value(found, "kit_service_healthy") == 0)
        status, answer = health(crew.ports[name])
        assert status == 503
        assert lack in answer["troubles"][0]
    crew.until_well("control")
