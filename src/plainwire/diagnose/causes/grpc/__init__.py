"""Causes in gRPC: what its status says."""
