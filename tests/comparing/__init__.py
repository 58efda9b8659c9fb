"""Two captures held against each other."""
