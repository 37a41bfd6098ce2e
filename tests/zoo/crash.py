"""Fails with a traceback, whose exit status of 1 looks like a rejection."""

raise KeyError("mediaType")
