"""The Kubernetes part of a rule file: what it looks at, and what it refuses."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from kit.leaderboard.kubernetes.objects import KubernetesObject, Namespaces
from kit.leaderboard.rules import load_rules


def test_the_rules_for_kubernetes_score_as_the_original_does() -> None:
    ours, original = load_rules("kubernetes"), load_rules("original")
    assert ours.duration_s == original.duration_s
    for mine, theirs in zip(ours.exercises, original.exercises, strict=True):
        points = {"bonus", "nominal_end_s", "step_s", "slope", "decay"}
        assert mine.id == theirs.id
        assert mine.model_dump(include=points) == theirs.model_dump(include=points)


def test_an_exercise_needs_what_it_needed_in_the_original() -> None:
    conditions = {
        exercise.id: [condition.id for condition in exercise.conditions]
        for exercise in load_rules("kubernetes").exercises
    }
    assert conditions == {
        "hero": ["deployment", "database", "pipeline"],
        "villain": ["deployment", "database", "pipeline"],
        "fight": ["deployment", "pipeline"],
    }


def test_a_deployment_has_to_be_available() -> None:
    it = KubernetesObject(deployment="hero")
    assert it.metric == "kube_deployment_status_condition"
    assert it.matchers == "deployment=~'hero',condition='Available',status='true'"
    assert it.looked_for_in("prod") == "prod"


def test_a_pod_has_to_be_in_its_phase_perhaps_in_another_environment() -> None:
    it = KubernetesObject(pod="x-run-.*", phase="Succeeded", environment="dev")
    assert it.metric == "kube_pod_status_phase"
    assert it.matchers == "pod=~'x-run-.*',phase='Succeeded'"
    assert it.looked_for_in("prod") == "dev"


@pytest.mark.parametrize("pattern", ["<user>-workshop-<env>", "<env>-of-<user>"])
def test_a_namespace_tells_its_user_and_environment(pattern: str) -> None:
    names = Namespaces(pattern=pattern)
    namespace = pattern.replace("<user>", "ada").replace("<env>", "prod")
    match = re.fullmatch(names.regex("dev", "prod"), namespace)
    assert match is not None
    assert (match[names.user_group], match[names.env_group]) == ("ada", "prod")
    assert re.fullmatch(names.regex("dev"), namespace) is None


@pytest.mark.parametrize("quote", ['"', "'", "`", "\\", "\n"])
def test_what_would_have_to_be_escaped_on_its_way_is_refused(quote: str) -> None:
    with pytest.raises(ValidationError, match="may not contain"):
        KubernetesObject(pod=f"a{quote}b")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "one of both"),
        ({"deployment": "a", "pod": "b"}, "one of both"),
        ({"pod": "("}, "no regular expression"),
    ],
)
def test_an_object_that_cannot_be_is_refused(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        KubernetesObject.model_validate(fields)


@pytest.mark.parametrize("pattern", ["<user>", "workshop-<env>", "<user>-<user>-<env>"])
def test_a_namespace_without_user_or_environment_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="once each"):
        Namespaces(pattern=pattern)


def test_a_user_pattern_with_a_group_is_refused() -> None:
    with pytest.raises(ValidationError, match="no group"):
        Namespaces(user="(a|b)")
