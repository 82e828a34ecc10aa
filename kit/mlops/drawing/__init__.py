"""Drawn training pictures: sign faces, what stands around them, light and lens."""
