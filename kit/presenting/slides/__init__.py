"""Slides for the talk: made of the talk track, and of marked cells of executed notebooks."""
