"""A sandbox for your own tests, to rehearse outages.

    with running() as sandbox:
        sandbox.misbehave("drop-after:nth=2")
        apply_my_exams(api_url=sandbox.url)
        assert len(sandbox.created) == 3

It is a real server with its own port, in a thread of this process; it stops when the block ends.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.sandbox.server import RunningSandbox, opened
from reconciler.sandbox.settings import SandboxUnusable, Settings

ANY_PORT: Final = Settings(port=0)
"""Settings of a sandbox in memory, on a free port."""

_START_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 10.0


@contextmanager
def running(settings: Settings = ANY_PORT) -> Iterator[RunningSandbox]:
    """Run a sandbox until the context ends. Raises SandboxUnusable if it cannot start."""
    listening = threading.Event()
    with opened(settings, lambda _url: listening.set()) as sandbox:
        thread = threading.Thread(target=sandbox.serve, name="sandbox", daemon=True)
        thread.start()
        try:
            if not listening.wait(_START_TIMEOUT_S):
                raise SandboxUnusable(f"the sandbox did not begin to serve within {_START_TIMEOUT_S:g} s")
            yield sandbox
        finally:
            sandbox.stop()
            thread.join(_STOP_TIMEOUT_S)
