"""Very many captures, each read by a worker of a Dask cluster: ``plainwire analyze --cluster``.

A capture is one unit of work. The worker that reads it writes its tables, and a record that says that it is
done; what goes over the network otherwise is names and records. Nothing else joins captures but the
comparison, which is merged from samples.

``storage`` knows fsspec, ``work`` is what workers do, ``scheduling`` hands it out, ``words`` tells.
"""
