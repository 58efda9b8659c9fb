"""Hostile captures: what a sender could write to wear out whoever reads along."""
