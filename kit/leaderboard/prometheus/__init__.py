"""Prometheus beside the leaderboard: exporter, recording and alert rules, from the rule file."""
