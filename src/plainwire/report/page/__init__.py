"""What the page shows, as values: ``web/`` has the program that draws them."""
