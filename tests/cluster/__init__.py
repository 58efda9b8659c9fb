"""Very many captures on a Dask cluster."""
