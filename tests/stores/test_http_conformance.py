"""State behind Terraform's HTTP protocol passes the suite of every store, in both flavours of server."""

from typing import ClassVar

import pytest

from reconciler.stores.conformance import StoreConformance

pytestmark = pytest.mark.timeout(
    600
)  # dozens of processes, one after the other, on a machine that may be busy


class TestPlain(StoreConformance):
    """A server as Terraform's documentation describes it."""

    kill_steps: ClassVar = ("store-called",)
    fail_steps: ClassVar = ("store-call=eio",)

    @pytest.fixture
    def place(self, server):
        """A state on it."""
        return server.place("plain")


class TestGitLab(StoreConformance):
    """A server that does as GitLab does. Answers are lost here, and calls fail on the other."""

    kill_steps: ClassVar = ("store-called",)  # right before the next call is as good as right behind this one
    fail_steps: ClassVar = ("store-called=eio",)

    @pytest.fixture
    def place(self, server):
        """A state on it."""
        return server.place("gitlab")
