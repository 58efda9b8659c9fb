"""Difficult programs, alone and under plainwire: whatever they print and end with is to be the same."""
