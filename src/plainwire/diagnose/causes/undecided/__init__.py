"""Where nothing could be decided: holes in the capture, failures that nothing explains."""
