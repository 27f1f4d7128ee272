"""The create protocol: write the intent, send the request, write the outcome, each durable before the next.

An exam is sent again only if the last try certainly created nothing, and every outcome is in the log before
anything else is done for its exam. Time, randomness, service and log are ports, so tests can replay any
order.
May import: `model`, `ports`.
"""
