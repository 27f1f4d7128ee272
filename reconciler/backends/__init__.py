"""Stores of state: each moves opaque bytes, locks, and compares before it swaps.

Promise: a store never looks inside what it moves, and none is loaded before its URL asks for it. Every store
passes `reconciler.backends.conformance`.
May import: `model`, `ports`, and each store its own driver.
"""
