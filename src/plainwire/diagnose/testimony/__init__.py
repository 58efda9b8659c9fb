"""The program's own words: read, held against the wire, or all that there is of a failure.

Nothing is imported here: what words mean (``spoken_causes``) needs neither the wire nor NumPy.
"""
