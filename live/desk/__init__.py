"""The operator's desk: what can be set while the show runs, and everything that sets it."""
