"""Hidden parameters of servers, inferred from their traffic."""
