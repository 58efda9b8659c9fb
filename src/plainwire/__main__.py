"""``python -m plainwire``."""

from plainwire import environment

environment.leave()

from plainwire.cli.main import main  # noqa: E402 - whatever it imports is to come from where we leave to

main()
