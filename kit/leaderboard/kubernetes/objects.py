"""What a condition looks at in Kubernetes: a Deployment or a pod in a participant's namespace.

The names come from the docs of kube-state-metrics, https://github.com/kubernetes/kube-state-metrics:
``kube_deployment_status_condition`` with ``condition`` and ``status``, ``kube_pod_status_phase``
with ``phase``, ``kube_namespace_status_phase``; 1 where it is so.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NAMESPACES = "kube_namespace_status_phase"
"""Metric that tells which namespaces there are, by phase."""

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
"""A regular expression that the whole name has to match, in the syntax that RE2 and Python share.

Without quotes and backslashes: Advanced Cluster Management puts an expression into JSON and into a
command line, and escapes neither.
"""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KubernetesObject(_Model):
    """What has to be there for a condition to hold; exactly one of `deployment` and `pod` is named.

    Attributes:
        deployment: Pattern of a Deployment that has to be Available.
        pod: Pattern of a pod that has to be in `phase`; one that matches is enough.
        phase: Of the pod.
        environment: Where to look, if not in the environment that is judged: a pipeline may run in
            the first environment only.
        absent_in: Environments that have no such object; there the condition holds.
    """

    deployment: Pattern | None = None
    pod: Pattern | None = None
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"] = "Running"
    environment: str | None = None
    absent_in: tuple[str, ...] = ()

    @field_validator("deployment", "pod")
    @classmethod
    def _plain(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else plain_pattern(pattern)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.deployment is None) == (self.pod is None):
            msg = "it has to name a 'deployment' or a 'pod', one of both"
            raise ValueError(msg)
        return self

    @property
    def metric(self) -> str:
        """Name of the series that tells."""
        return "kube_pod_status_phase" if self.pod else "kube_deployment_status_condition"

    @property
    def matchers(self) -> str:
        """Label matchers of that series in PromQL, without the namespace's."""
        if self.pod:
            return f"pod=~'{self.pod}',phase='{self.phase}'"
        return f"deployment=~'{self.deployment}',condition='Available',status='true'"

    def looked_for_in(self, env: str) -> str:
        """Return the environment to look into when `env` is judged."""
        return self.environment or env


class Namespaces(_Model):
    """How the namespace of a participant is named in an environment.

    Attributes:
        pattern: With ``<user>`` and ``<env>`` in the places of both.
        user: Pattern of a user.
    """

    pattern: Pattern = "<user>-workshop-<env>"
    user: Pattern = "[a-zA-Z0-9]+"

    @field_validator("pattern")
    @classmethod
    def _has_both(cls, pattern: str) -> str:
        if pattern.count("<user>") != 1 or pattern.count("<env>") != 1:
            msg = "it needs '<user>' and '<env>', once each"
            raise ValueError(msg)
        plain_pattern(pattern.replace("<user>", "u").replace("<env>", "e"))
        return pattern

    @field_validator("user")
    @classmethod
    def _plain(cls, pattern: str) -> str:
        if re.compile(plain_pattern(pattern)).groups:
            msg = "it may have no group in brackets; '(?:...)' is fine"
            raise ValueError(msg)
        return pattern

    def regex(self, *environments: str) -> str:
        """Return the pattern of a namespace in some environments.

        Args:
            environments: One or several names.

        Returns:
            A regular expression whose groups are the user and the environment, in the order in
            which `pattern` has them.
        """
        names = "|".join(environments)
        return self.pattern.replace("<user>", f"({self.user})").replace("<env>", f"({names})")

    @property
    def user_group(self) -> int:
        """Number of the group of :meth:`regex` that is the user, 1 or 2."""
        return 1 if self.pattern.index("<user>") < self.pattern.index("<env>") else 2

    @property
    def env_group(self) -> int:
        """Number of the group of :meth:`regex` that is the environment, 1 or 2."""
        return 3 - self.user_group


def plain_pattern(pattern: str) -> str:
    """Return a pattern that needs no escaping anywhere on its way to a cluster.

    Raises:
        ValueError: If it has quotes, backslashes or line breaks, or is no regular expression.
    """
    if bad := sorted(set(re.findall(r"[\"'`\\\s]", pattern))):
        msg = f"it may not contain {' or '.join(map(repr, bad))}"
        raise ValueError(msg)
    try:
        re.compile(pattern)
    except re.error as error:
        msg = f"it is no regular expression: {error}"
        raise ValueError(msg) from error
    return pattern
