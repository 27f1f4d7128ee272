"""Reads and writes state: the formats of snapshot and log, the lock, and the session of a run that holds it.

Promise: what a session has acknowledged survives any crash; what cannot be read is reported, never guessed.
Written once, for every store. May import: `model`, `ports`, `fault_points`.
"""
