"""Plain client programs, run unmodified under ``plainwire run``; none of them knows of plainwire."""
