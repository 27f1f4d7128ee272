"""The local file passes the suite of every store."""

from typing import ClassVar

import pytest
from warm_place import WarmPlace

from reconciler.stores.conformance import StoreConformance


class TestFile(StoreConformance):
    """A state at a path."""

    faults: ClassVar = (
        "log-open=eio",
        "log-write=torn",
        "log-write=short",
        "log-flush=kill",
        "log-flush=eio",
        "log-swap=kill",
        "log-swapped=kill",
        "log-swapped=eio",
        "snapshot-write=torn",
        "snapshot-flush=enospc",
        "snapshot-swap=kill",
        "snapshot-swapped=kill",
        "snapshot-swapped=eio",
        "log-clear=kill",
        "log-clear=eio",
        "log-cleared=eio",
    )
    histories: ClassVar = 10

    @pytest.fixture
    def place(self, tmp_path):
        """A path below the test's own directory."""
        return WarmPlace(url="file:state/s.json", root=tmp_path)
