"""plainwire beside tshark on captures that others made: see ``command.py``."""
