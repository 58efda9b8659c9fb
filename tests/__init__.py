"""Tests mirror ``src/plainwire``: one folder a room."""
