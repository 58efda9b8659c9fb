"""TCP segments to connections and their bytes, gaps and ends."""
