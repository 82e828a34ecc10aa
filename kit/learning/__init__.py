"""What notebooks show and play with."""
