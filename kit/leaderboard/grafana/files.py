"""The files of ``kit leaderboard grafana``: dashboards, and the same as ConfigMaps."""

from __future__ import annotations

from kit.errors import missing_extra
from kit.leaderboard.kubernetes import acm
from kit.leaderboard.rules import Rules


def dashboards(rules: Rules) -> dict[str, str]:
    """Return the dashboards as JSON, by their identity.

    Args:
        rules: Of the event.

    Raises:
        ConfigError: If Grafana's SDK is not installed.
    """
    try:
        from kit.leaderboard.grafana import sdk
    except ImportError as error:
        raise missing_extra("grafana_foundation_sdk", "leaderboard") from error
    from kit.leaderboard.grafana.explanation import UID as EXPLANATION
    from kit.leaderboard.grafana.explanation import explanation
    from kit.leaderboard.grafana.health import UID as HEALTH
    from kit.leaderboard.grafana.health import health
    from kit.leaderboard.grafana.leaderboard import UID as BOARD
    from kit.leaderboard.grafana.leaderboard import leaderboard

    encoder = sdk.JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    made = {BOARD: leaderboard(rules), EXPLANATION: explanation(rules), HEALTH: health(rules)}
    return {uid: encoder.encode(board.build()) + "\n" for uid, board in made.items()}


def grafana_files(rules: Rules) -> dict[str, str]:
    """Return the files' texts by name; a name may have a folder.

    Args:
        rules: Of the event.
    """
    made = dashboards(rules)
    files = {f"{uid}.json": text for uid, text in made.items()}
    for uid, text in made.items():
        files[f"acm/dashboard-{uid}.yaml"] = acm.dashboard(uid, text)
    return files
