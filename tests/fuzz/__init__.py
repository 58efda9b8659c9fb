"""Bytes that nobody thought of: what reads foreign bytes must answer all of them with values.

``targets`` are the readers, ``seeds`` what mutation begins with, ``mutation`` a mutator of our own.
``test_targets`` runs each target over a number of inputs that are always the same; ``python -m tests.fuzz
TARGET`` goes on for as long as is asked, guided by coverage where atheris is installed.
``found/`` has the inputs that once broke something.
"""
