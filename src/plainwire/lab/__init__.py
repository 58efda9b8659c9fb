"""Servers that misbehave on purpose, clients, and a path between them: demo and score of the rules."""
