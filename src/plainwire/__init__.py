"""plainwire finds out what really happened on an HTTPS connection, and who hung up."""
