"""PromQL of the conditions that kube-state-metrics tells, by user and cluster.

All expressions are one line long and quote with ``'``: Advanced Cluster Management puts them into
JSON and into a command line.
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.errors import ConfigError
from kit.leaderboard.kubernetes.objects import NAMESPACES, KubernetesObject, Namespaces
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.groups import Group, Recording
from kit.leaderboard.rules import Condition, Exercise, Rules

MEMBER = "leaderboard_member"
"""Recorded in each cluster: 1 for each user who has a namespace there."""


PENDING_PODS = "leaderboard_pending_pods"
"""Recorded in each cluster: how many pods of the workshop wait for a place."""


def condition_group(rules: Rules, interval_s: float | None = None) -> Group:
    """Return the group of the conditions, for a server that sees kube-state-metrics itself."""
    return Group("leaderboard_conditions", tuple(condition_rules(rules)), interval_s)


def condition_rules(rules: Rules) -> Iterator[Recording]:
    """Yield a rule for each condition in each environment, 0 or 1 by user and cluster.

    Raises:
        ConfigError: If a condition does not say what it looks at.
    """
    envs = names.environments(rules)
    member = _members(rules.namespaces, *envs)
    yield Recording(MEMBER, member)
    pattern = rules.namespaces.regex(*envs)
    waiting = f"kube_pod_status_phase{{namespace=~'{pattern}',phase='Pending'}}"
    yield Recording(PENDING_PODS, f"sum by (cluster) ({waiting})")
    for exercise in names.scored(rules, names.ALL):
        for env in exercise.environments:
            for condition in exercise.conditions:
                record = names.condition(exercise.id, condition.id, env)
                expr = _holds(rules.namespaces, object_of(exercise, condition), env)
                yield Recording(record, f"{expr} or 0 * {member}")


def state_of(exercise: Exercise, env: str) -> str:
    """Return the expression of whether an exercise is done now, 0 or 1 by user.

    All conditions have to hold in one cluster; a user who is in several counts once.
    """
    if not exercise.conditions:
        raise ConfigError(
            f"The exercise '{exercise.id}' has no conditions to look for in Kubernetes",
            fix="give it conditions with 'kubernetes', as the rules 'kubernetes' have them",
        )
    every = [names.condition(exercise.id, each.id, env) for each in exercise.conditions]
    total = " + on (user, cluster) ".join(every)
    return f"max by (user) (({total}) == bool {len(every)})"


def user_of() -> str:
    """Return the expression of who takes part: 1 by user."""
    return f"max by (user) ({MEMBER})"


def object_of(exercise: Exercise, condition: Condition) -> KubernetesObject:
    """Return what a condition looks at.

    Raises:
        ConfigError: If the rule file does not say.
    """
    if condition.kubernetes is None:
        raise ConfigError(
            f"The condition '{condition.id}' of '{exercise.id}' names nothing in Kubernetes",
            expected="its 'kubernetes': a deployment or a pod",
            fix="add it to the rule file, as in the rules 'kubernetes'",
        )
    return condition.kubernetes


def _holds(namespaces: Namespaces, it: KubernetesObject, env: str) -> str:
    if env in it.absent_in:
        return _members(namespaces, env)
    where = it.looked_for_in(env)
    return _by_user(namespaces, it.metric, it.matchers, where)


def _members(namespaces: Namespaces, *envs: str) -> str:
    return _by_user(namespaces, NAMESPACES, "phase='Active'", *envs)


def _by_user(namespaces: Namespaces, metric: str, matchers: str, *envs: str) -> str:
    pattern = namespaces.regex(*envs)
    series = f"{metric}{{namespace=~'{pattern}',{matchers}}}"
    user = f"'user', '${namespaces.user_group}', 'namespace', '{pattern}'"
    return f"max by (user, cluster) (label_replace({series}, {user}))"
