"""A case to give away: what proves the failure, and nothing that is the user's own secret.

A bundle is made by subtraction. Of the capture only the connections stay that failed, and as many that did
not as the diagnosis needs to come out the same. Of their plain text everything becomes a mark of the same
length that is not known to be harmless (``rewriting``, ``http1_text``, ``http2_text``, ``websocket_text``);
marks of equal values are equal (``marks``). Then the records are sealed again under secrets that were made up
for the bundle (``resealing``): so every packet keeps its place, time, flags, sizes and acknowledgments, and
TLS alerts stay where they were. Whoever opens the capture reads the redacted text; nobody can read what was
sent. All that is told beside the packets is made of this capture, as its receiver would make it.
"""
