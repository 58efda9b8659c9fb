"""From a finding's general advice to the very setting of the client and the server that were recognised.

``table`` is the data: a row for each setting, with its source. ``programs`` says who client and server are,
and says nothing where the signs are weak or contradict each other. ``wanted`` infers what value a remedy asks
for. ``naming`` joins the three.
"""
