"""Recordings of runs, as MCAP files that Foxglove opens too: written, read and played again."""
