"""The local file passes the suite of every store."""

from typing import ClassVar

import pytest

from reconciler.stores.conformance import Place, StoreConformance


class TestFile(StoreConformance):
    """A state at a path."""

    kill_steps: ClassVar = (
        "lock-taken",
        "journal-open",
        "journal-flush",
        "snapshot-open",
        "snapshot-swap",
        "snapshot-swapped",
        "journal-clear",
        "journal-cleared",
        "lock-release",
    )
    fail_steps: ClassVar = (
        "journal-open=eio",
        "journal-flush=eio",
        "snapshot-flush=enospc",
        "journal-cleared=eio",
    )

    @pytest.fixture
    def place(self, tmp_path):
        """A path below the test's own directory."""
        return Place(url="file:state/s.json", root=tmp_path)
