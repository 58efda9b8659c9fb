"""One report as text for the terminal, as a page, as JSON."""
