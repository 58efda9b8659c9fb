"""Causes in what HTTP says: statuses, messages that contradict themselves, slowness."""
