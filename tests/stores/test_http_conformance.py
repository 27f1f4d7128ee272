"""State behind Terraform's HTTP protocol passes the suite of every store, in both flavours of server."""

from typing import ClassVar

import pytest

from reconciler.stores.conformance import Place, StoreConformance
from reconciler.stores.http import open_http

pytestmark = pytest.mark.timeout(
    600
)  # dozens of processes, one after the other, on a machine that may be busy


class HttpConformance(StoreConformance):
    """What both kinds of server have in common; `server` is set by the fixture."""

    def release(self, place: Place) -> None:
        """Release the server's lock that a run left which was killed as it began."""
        if (lock := self.server.control(place)["lock"]) is not None:
            assert open_http(place.url, root=place.root).release(lock["ID"])


class TestPlain(HttpConformance):
    """A server as Terraform's documentation describes it."""

    faults: ClassVar = ("store-called=kill", "store-call=eio")
    histories: ClassVar = 2

    @pytest.fixture
    def place(self, server):
        """A state on it."""
        self.server = server
        return server.place("plain")


class TestGitLab(HttpConformance):
    """A server that does as GitLab does. Answers are lost here, and calls fail on the other."""

    # A kill right before the next call is as good as one right behind this one.
    faults: ClassVar = ("store-called=kill", "store-called=eio")
    histories: ClassVar = 2

    @pytest.fixture
    def place(self, server):
        """A state on it."""
        self.server = server
        return server.place("gitlab")
