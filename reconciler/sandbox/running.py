"""A sandbox within a test-suite: the way to rehearse outages in one's own tests.

    with running() as sandbox:
        sandbox.misbehave("drop-after:nth=2")
        apply_my_exams(api_url=sandbox.url)
        assert len(sandbox.created) == 3

It is a real server on a port of its own, in a thread of this process, and gone when the block ends.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from reconciler.sandbox.faults import parse_fault
from reconciler.sandbox.server import Site, opened
from reconciler.sandbox.settings import SandboxUnusable, Settings

ANY_PORT: Final = Settings(port=0)
"""A sandbox in memory, on a port that the system chooses."""

_START_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 10.0


class RunningSandbox:
    """A sandbox that serves."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self._site.url

    @property
    def created(self) -> list[dict[str, Any]]:
        """The exams created so far, the oldest first, as `/exams.json` lists them."""
        return [exam.as_json() for exam in self._site.sandbox.ledger.exams]

    @property
    def requests(self) -> int:
        """How many Create Exam calls have come in, the refused and the dropped included."""
        return self._site.sandbox.requests

    def misbehave(self, *specs: str) -> None:
        """Put the faults of `specs` in force instead of any others; none makes it behave.

        Raises ValueError for a spec that is none.
        """
        self._site.sandbox.faults.replace([parse_fault(spec) for spec in specs])


@contextmanager
def running(settings: Settings = ANY_PORT) -> Iterator[RunningSandbox]:
    """A sandbox that serves for the length of the context. Raises SandboxUnusable where it cannot."""
    listening = threading.Event()
    with opened(settings, lambda _url: listening.set()) as site:
        thread = threading.Thread(target=site.serve, name="sandbox", daemon=True)
        thread.start()
        try:
            if not listening.wait(_START_TIMEOUT_S):
                raise SandboxUnusable(f"the sandbox did not begin to serve within {_START_TIMEOUT_S:g} s")
            yield RunningSandbox(site)
        finally:
            site.stop()
            thread.join(_STOP_TIMEOUT_S)
