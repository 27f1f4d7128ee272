"""The frozen values that all rooms exchange: declarations, plans, state, reports, diagnostics, errors.

Promise: nothing here touches a file, a socket, a clock or a random source, and no value changes once made.
May import: the standard library and msgspec.
"""
