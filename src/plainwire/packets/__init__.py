"""From frames to TCP segments, as columns."""
