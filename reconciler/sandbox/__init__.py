"""A local stand-in for the exam service: an HTTP server on loopback with the documented Create Exam call.

It accepts what the documentation allows, refuses the rest, and fails only as configured. It shares the schema
file but no code with the client, so that one mistake cannot be in both.
May import: `schemas`, starlette, uvicorn, jsonschema and the standard library. The server's libraries come
with the extra `sandbox`, and load only when a sandbox starts.

To use a sandbox in your own tests, see `reconciler.sandbox.running`.
"""

from reconciler.sandbox.faults import Fault, parse_fault
from reconciler.sandbox.settings import DEFAULT_PORT, SandboxUnusable, Settings

__all__ = ["DEFAULT_PORT", "Fault", "SandboxUnusable", "Settings", "parse_fault", "serve"]


def serve(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM and return exit code 0; return 1 if the sandbox cannot start.

    Prints its address, or why it cannot start, on standard error. Call it from the main thread. Raises
    ImportError if the extra `sandbox` is not installed.
    """
    from reconciler.sandbox.server import run  # noqa: PLC0415 - the extra may be absent, and is slow to load

    return run(settings)
