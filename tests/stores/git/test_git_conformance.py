"""State in git passes the suite of every store, over a path and over https."""

from typing import ClassVar

import pytest
import tls_material
from git_repositories import bare
from git_server import knowing_the_password, serving
from warm_place import WarmPlace

from reconciler.stores.conformance import StoreConformance

pytestmark = pytest.mark.timeout(600)  # hundreds of processes, on a machine that may have others to run


class TestGitFile(StoreConformance):
    """A repository at a path.

    Between a call's end and the next one's beginning nothing happens to the store, so that a kill at one of
    them is a kill at the other.
    """

    faults: ClassVar = ("store-call=kill", "store-call=eio", "store-called=eio")
    appends: ClassVar = 20
    histories: ClassVar = 2
    history_length: ClassVar = 300

    @pytest.fixture
    def place(self, tmp_path):
        """A bare repository of its own."""
        return WarmPlace(url=f"git+file://{bare(tmp_path / 'exams.git')}", root=tmp_path)


class TestGitHttps(StoreConformance):
    """A repository behind TLS and a password; kept small, as git starts slowly for each call of https."""

    appends: ClassVar = 8
    # Between two calls nothing differs from a path, where a fault is tried at each of them, and every stale
    # head; here several processes have one. Copies and watching are made of the same calls.
    test_a_fault_at_any_call_loses_and_doubles_nothing = None
    test_a_change_names_the_head_that_it_follows = None
    test_copies_are_kept = None
    test_who_watches_notices_a_change = None
    test_no_append_of_several_writers_is_lost = None
    test_random_histories = None

    @pytest.fixture
    def place(self, tmp_path, monkeypatch):
        """A bare repository of its own, below a folder of its own."""
        bare(tmp_path / "served" / "exams.git")
        trust = tls_material.trust_in(tmp_path)["SSL_CERT_FILE"]
        for name, value in {"GIT_SSL_CAINFO": trust, **knowing_the_password()}.items():
            monkeypatch.setenv(name, value)
        with serving(tmp_path / "served", tls=tls_material.good()) as server:
            url = f"{server.address}/exams.git#branch=state&path=terms/s.json"
            yield WarmPlace(url=url, root=tmp_path)
