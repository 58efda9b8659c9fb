"""Frames to TCP segments, as columns."""
