"""Alert rules: the health of the platform below an event, and of the leaderboard itself.

The clusters' figures have the names under which Red Hat Advanced Cluster Management collects them
by default (github.com/stolostron/multicluster-observability-operator, ``metrics_allowlist.yaml``),
with a label ``cluster``: the event's critical metrics are CPU, memory, pods and the API's latency.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.leaderboard.prometheus.groups import Alert, Group, number
from kit.leaderboard.prometheus.names import EXPORTED

CPU = "max by (cluster) (cluster:node_cpu:ratio)"
"""Share of the CPU in use, 0 to 1, by cluster."""

MEMORY = "max by (cluster) (cluster:memory_usage:ratio)"
"""Share of the memory in use, 0 to 1, by cluster."""

PODS = (
    "count by (cluster) (kube_pod_info)"
    " / sum by (cluster) (kube_node_status_allocatable{resource='pods'})"
)
"""Share of the pods that a cluster has room for, 0 to 1."""

PENDING = "max by (cluster) (leaderboard_pending_pods)"
"""Pods of the workshop that wait for a place, by cluster."""

API_LATENCY_S = "max by (cluster) (apiserver_request_duration_seconds:histogram_quantile_99)"
"""Time within which 99 of 100 requests to the API are answered, in seconds, by cluster."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a figure is a problem.

    Attributes:
        cpu: Share of the CPU.
        memory: Share of the memory.
        pods: Share of the pods' places.
        pending: Pods that wait.
        api_latency_s: Seconds.
    """

    cpu: float = 0.85
    memory: float = 0.85
    pods: float = 0.9
    pending: int = 10
    api_latency_s: float = 1.0


def platform_alerts(limits: Limits | None = None, *, interval_s: float | None = None) -> Group:
    """Return the alerts on the clusters.

    Args:
        limits: From where on to alert.
        interval_s: Seconds between two evaluations; the server's own if None.
    """
    limits = limits or Limits()
    known = "count by (cluster) (cluster:node_cpu:ratio"
    alerts = (
        Alert(
            "LeaderboardClusterCpuHigh",
            f"{CPU} > {number(limits.cpu)}",
            300,
            "warning",
            "Cluster {{ $labels.cluster }} uses {{ $value | humanizePercentage }} of its CPU",
            "Add nodes, or end what does not belong to the event.",
        ),
        Alert(
            "LeaderboardClusterMemoryHigh",
            f"{MEMORY} > {number(limits.memory)}",
            300,
            "warning",
            "Cluster {{ $labels.cluster }} uses {{ $value | humanizePercentage }} of its memory",
            "Add nodes before pods are evicted and exercises flap.",
        ),
        Alert(
            "LeaderboardClusterPodsNearlyFull",
            f"{PODS} > {number(limits.pods)}",
            120,
            "critical",
            "Cluster {{ $labels.cluster }} is full of pods to {{ $value | humanizePercentage }}",
            "Add nodes: the next pipeline may find no place.",
        ),
        Alert(
            "LeaderboardPodsPending",
            f"{PENDING} > {number(limits.pending)}",
            300,
            "warning",
            "{{ $value }} pods of the workshop wait for a place in cluster {{ $labels.cluster }}",
            "Look at the events of a waiting pod: places, quotas or volumes are missing.",
        ),
        Alert(
            "LeaderboardApiSlow",
            f"{API_LATENCY_S} > {number(limits.api_latency_s)}",
            300,
            "critical",
            "The API of cluster {{ $labels.cluster }} takes {{ $value | humanizeDuration }} at p99",
            "Pipelines will be slow for everybody there. Tell the participants, and look at etcd.",
        ),
        Alert(
            "LeaderboardClusterSilent",
            f"{known} offset 15m) unless {known})",
            300,
            "critical",
            "Cluster {{ $labels.cluster }} has not told anything for a while",
            "Its participants' finishes come late. Look at its metrics collector.",
        ),
    )
    return Group("leaderboard_platform_health", alerts, interval_s)


def service_alerts(*, interval_s: float | None = None) -> Group:
    """Return the alerts on the leaderboard itself, for who scrapes its exporter.

    Args:
        interval_s: Seconds between two evaluations; the server's own if None.
    """
    alerts = (
        Alert(
            "LeaderboardAbsent",
            f"absent({EXPORTED}_info)",
            60,
            "critical",
            "The leaderboard is not there",
            "Start 'kit leaderboard serve' again: what it acknowledged is in its log.",
        ),
        Alert(
            "LeaderboardNothingHappens",
            f"changes({EXPORTED}_records[20m]) == 0"
            f" and on () (time() - {EXPORTED}_start_timestamp_seconds > 1200)"
            f" and on () ({EXPORTED}_end_timestamp_seconds > time())",
            300,
            "warning",
            "Nothing was claimed for 20 minutes while the event is on",
            "Look whether participants or the collector reach the leaderboard.",
        ),
        Alert(
            "LeaderboardNotAllExported",
            f"{EXPORTED}_participants > {EXPORTED}_exported_participants",
            300,
            "info",
            "There are {{ $value }} participants, more than have series of their own",
            "Totals count everybody. The board itself shows all of them.",
        ),
    )
    return Group("leaderboard_service_health", alerts, interval_s)
