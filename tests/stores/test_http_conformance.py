"""State behind Terraform's HTTP protocol passes the suite of every store, in both flavours of server."""

from typing import ClassVar

import pytest

from reconciler.stores.conformance import StoreConformance

pytestmark = pytest.mark.timeout(
    600
)  # dozens of processes, one after the other, on a machine that may be busy


class TestPlain(StoreConformance):
    """A server as Terraform's documentation describes it."""

    faults: ClassVar = ("store-called=kill", "store-call=eio")
    histories: ClassVar = 5

    @pytest.fixture
    def place(self, server):
        """A state on it."""
        return server.place("plain")


class TestGitLab(StoreConformance):
    """A server that does as GitLab does. Answers are lost here, and calls fail on the other."""

    # A kill right before the next call is as good as one right behind this one.
    faults: ClassVar = ("store-called=kill", "store-called=eio")
    histories: ClassVar = 5

    @pytest.fixture
    def place(self, server):
        """A state on it."""
        return server.place("gitlab")
