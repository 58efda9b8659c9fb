"""Plainwire, tshark and the floor side by side, on captures made by script."""
