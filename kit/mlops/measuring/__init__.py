"""What a model is worth: how often it is right, how sure, how fast, and where it fails."""
