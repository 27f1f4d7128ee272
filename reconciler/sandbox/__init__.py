"""A local stand-in for the exam service: the one documented call, as a real HTTP server on loopback.

Promise: it takes what the documentation says, refuses the rest, answers as documented, and misbehaves only
as told. It is a stranger to the client: the two share the schema's file and no code, so they cannot
share a mistake.
May import: `schemas`, starlette, uvicorn, jsonschema and the standard library. The server's libraries come
with the extra `sandbox`, and load only when a sandbox starts.

To rehearse in a test-suite of one's own, see `reconciler.sandbox.running`.
"""

from reconciler.sandbox.faults import Fault, parse_fault
from reconciler.sandbox.settings import DEFAULT_PORT, SandboxUnusable, Settings

__all__ = ["DEFAULT_PORT", "Fault", "SandboxUnusable", "Settings", "parse_fault", "serve"]


def serve(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; the exit code is 0 then, and 1 where the sandbox could not begin.

    Says on standard error where it listens, or why it cannot. Call it from the main thread. Raises
    ImportError where the extra `sandbox` is not installed.
    """
    from reconciler.sandbox.server import run  # noqa: PLC0415 - the extra may be absent, and is slow to load

    return run(settings)
