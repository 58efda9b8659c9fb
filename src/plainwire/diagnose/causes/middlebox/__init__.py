"""Causes between the two ends: NATs, load balancers, proxies, filters."""
