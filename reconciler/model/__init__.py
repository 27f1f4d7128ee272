"""The frozen values that every other room speaks in.

Promise: nothing here touches a file, a socket, a clock or a random source, and no value changes once made.
May import: the standard library only.
"""
