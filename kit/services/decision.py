"""Decision: predictions become commands, each with its reason and its lease."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from kit.events import Command, Event, Prediction, Stage, TrainState
from kit.messaging.mailbox import LatestMailbox
from kit.monitoring.metrics import Counted
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters
from kit.train.decision import Decision, DecisionParameters, Memory, decide


class DecisionServiceParameters(ServiceParameters):
    """Parameters of the decision service.

    Attributes:
        rules: How many votes, how large a sign, how long a hold.
    """

    rules: DecisionParameters = Field(default_factory=DecisionParameters)


class DecisionService(Service[DecisionServiceParameters]):
    """Turns each prediction into a command, which renews the train's lease."""

    name: ClassVar[str] = "decision"
    parameters_type: ClassVar[type[ServiceParameters]] = DecisionServiceParameters
    counted: ClassVar[Mapping[str, Counted]] = {
        "commands": Counted("kit_decisions_total"),
        "changes": Counted("kit_decision_changes_total"),
        "dropped": Counted("kit_predictions_dropped_total"),
    }
    work: ClassVar[str] = "prediction to decide on"

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the memory of past predictions and the subscription to new ones."""
        self._memory = Memory()
        self._decision: Decision | None = None
        self._latched = True  # as the train comes up, until it says otherwise
        self._predictions: LatestMailbox[tuple[Prediction, int]] = LatestMailbox()
        train = f"train/{self.parameters.train_id}"
        self.client.subscribe(f"{train}/prediction", self._receive)
        self.client.subscribe(f"{train}/state", self._receive_state)
        yield

    def _receive(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Prediction):
            self._predictions.put((event, received_ns))

    def _receive_state(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, TrainState):
            self._latched = event.latched

    def step(self) -> None:
        """Decide on the newest prediction, if there is one."""
        item = self._predictions.get(STEP_TIMEOUT_S)
        self.counters["dropped"] = self._predictions.dropped
        if item is None:
            return
        prediction, received_ns = item
        now_ns = time.monotonic_ns()
        self._memory, decision = decide(
            self._memory, prediction, self.parameters.rules, now_ns=now_ns, latched=self._latched
        )
        decided_ns = time.monotonic_ns()
        self.client.publish(
            Command(
                train_id=prediction.train_id,
                action=decision.action,
                reason=decision.reason,
                label=decision.label,
                frame=prediction.frame,
                marks={
                    **prediction.marks,
                    Stage.PREDICTION_RECEIVED: received_ns,
                    Stage.DECIDED: decided_ns,
                },
            )
        )
        if Stage.INFERRED in prediction.marks:
            self.took(Stage.PREDICTION_RECEIVED, received_ns - prediction.marks[Stage.INFERRED])
        self.took(Stage.DECIDED, decided_ns - received_ns)
        self.worked()
        if self._decision is None or decision.action is not self._decision.action:
            self.count("changes")
        self._decision = decision
        self.count("commands")

    def numbers(self) -> dict[str, int | float | str]:
        """Return commands so far, the latest action and its reason."""
        return {
            "commands": self.counters.get("commands", 0),
            "changes of mind": self.counters.get("changes", 0),
            "action": str(self._decision.action) if self._decision else "none yet",
            "reason": self._decision.reason if self._decision else "no prediction yet",
        }
