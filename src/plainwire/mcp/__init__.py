"""plainwire for coding agents: a server that speaks the Model Context Protocol on standard input and output.

``answers`` makes of reports what is told: bounded, without secrets, with packet numbers and with what was
ruled out. ``server`` gives it names. It needs the extra ``plainwire[mcp]``.
"""
