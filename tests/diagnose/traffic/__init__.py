"""Tests of the facts of all connections together."""
