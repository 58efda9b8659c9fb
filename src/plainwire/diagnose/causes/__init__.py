"""Causes by family: one file a cause, named as its code, and `words.py`, what `explain` says."""
