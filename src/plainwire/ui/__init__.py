"""The page from a local server: cases side by side, bodies on request, growing while a program runs."""
