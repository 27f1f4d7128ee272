"""Reads and writes state: the formats of snapshot and journal, replay, and the locked session.

Promise: what a session has acknowledged survives any crash; what cannot be read is reported, never guessed.
May import: `model`, `ports`.
"""
