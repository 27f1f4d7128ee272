"""The create protocol: intent, request, outcome, each durable before the next.

Promise: no declaration is sent twice unless the first try certainly created nothing, and every outcome that
reached this process is in the journal before anything else happens to its exam. Time, randomness, the service
and the journal come in through ports, so that every interleaving can be played in a test.
May import: `model`, `ports`.
"""

from reconciler.applying.executor import Executor
from reconciler.applying.gate import Gate, Pause
from reconciler.applying.requests import CreateRequest, resolve_secrets
from reconciler.applying.stopping import Interrupted, Stopping

__all__ = ["CreateRequest", "Executor", "Gate", "Interrupted", "Pause", "Stopping", "resolve_secrets"]
