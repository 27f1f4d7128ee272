"""A store that an installed package adds passes the suite of every store."""

import importlib
import sys
from pathlib import Path

import pytest

from reconciler.stores.conformance import Place, StoreConformance

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder of installed packages, in which one adds a store."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "sqlite_store-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sqlite-store\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[reconciler.stores]\nsqlite = sqlite_store:open_sqlite")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield f"{folder}:{SUPPORT}"
    sys.path.remove(str(folder))


class TestSqlite(StoreConformance):
    """A state in a database."""

    @pytest.fixture
    def place(self, tmp_path, packages):
        """A file below the test's own directory."""
        return Place(url="sqlite:s.db", root=tmp_path, environ={"PYTHONPATH": packages})
