"""Dashboards as code: the leaderboard, what its points are made of, and the platform's health."""
