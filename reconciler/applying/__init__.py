"""The create protocol: intent, request, outcome, each durable before the next.

Promise: no declaration is sent twice unless the first try certainly created nothing, and every outcome that
reached this process is in the journal before anything else happens to its exam. Time, randomness, the service
and the journal come in through ports, so that every interleaving can be played in a test.
May import: `model`, `ports`.
"""
