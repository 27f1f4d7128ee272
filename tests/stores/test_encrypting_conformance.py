"""An encrypted file passes the suite of every store, as a store that a package adds."""

import importlib
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from warm_place import WarmPlace

from reconciler.stores.conformance import StoreConformance

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder of installed packages, in which one adds a store."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "encrypted_file-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: encrypted-file\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[reconciler.stores]\nencrypted-file = encrypted_file:open_encrypted"
    )
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    usual = dict(importlib.import_module("reconciler.stores.encryption")._SCRYPT)
    yield f"{folder}:{SUPPORT}"
    sys.path.remove(str(folder))
    importlib.import_module("reconciler.stores.encryption")._SCRYPT.update(usual)


class TestEncryptedFile(StoreConformance):
    """An encrypted state at a path."""

    faults: ClassVar = ("log-write=torn", "log-flush=eio", "snapshot-swap=kill", "snapshot-swapped=kill")

    @pytest.fixture
    def place(self, tmp_path, packages):
        """A path below the test's own directory."""
        return WarmPlace(url="encrypted-file:state/s.json", root=tmp_path, environ={"PYTHONPATH": packages})

    def test_nothing_is_written_in_the_clear(self, place, tmp_path):
        """Neither snapshot, log nor backup."""
        store = place.open()
        head = store.replace(b"the snapshot", b"the log\n", at=None)
        store.append(b"the end\n", at=head)
        store.keep_backup(b"the backup")
        for suffix in ("", ".journal", ".backup"):
            assert b"the " not in (tmp_path / "state" / f"s.json{suffix}").read_bytes()
