"""The workshop: exercises with checks and hints, the learner's copy, the path and the progress."""
