"""The leaderboard: exact order of finish, bonuses and accelerators.

``rules`` and ``events`` are what goes in, ``scoring`` is the pure function from them to
``standings``; ``incremental`` gives the same for one more event at a time, ``store`` keeps events.
"""
