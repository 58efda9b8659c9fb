"""``python -m plainwire``."""

from plainwire.cli.main import main

main()
