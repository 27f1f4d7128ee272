"""Random histories behind HTTP: each request may fail, be done in vain or twice, or be its run's last one.

At GitLab an update may also arrive late. Others accept it while nobody holds their lock, so that a very late
one does harm there (see docs/stores/http.md).
"""

import threading
from types import SimpleNamespace

import httpx
import pytest
import state_server

from reconciler.stores import http, random_histories
from reconciler.stores.history_ledger import BrokenPromiseError
from reconciler.stores.http_client import HttpAnswer
from reconciler.stores.random_histories import draw, seek_broken_promise

FATES = ("fine",) * 100 + ("before", "after", "twice")
URLS = {
    state_server.Plain: "https://states.example.edu/s",
    state_server.GitLab: "https://gitlab.example.edu/api/v4/projects/1/terraform/state/s",
}
VERBS = {"POST lock": "lock", "DELETE lock": "unlock", "LOCK": "lock", "UNLOCK": "unlock", "GET": "read"}


class AdriftClient:
    """Requests to a server in this process; before each, its run pauses."""

    def __init__(self, flavour, state):
        self.flavour, self.state = flavour, state
        late = ("late", "late", "arrival") if flavour is state_server.GitLab else ()
        self.fates = (*FATES, *late)

    def send(self, method, url, *, body=b"", lock_id=""):
        """Do a request, or what its fate is."""
        verb = VERBS.get(f"{method} lock" if url.endswith("/lock") else method, "update")
        request = (verb, {"ID": lock_id} if lock_id else {}, body)
        fate = draw(self.fates)
        if fate == "arrival" and self.state.waiting:
            self.do(*self.state.waiting.pop(0))
        if fate == "before":
            raise httpx.ConnectError("made up")
        if fate == "late" and verb == "update":
            self.state.waiting.append(request)
            raise httpx.ReadTimeout("made up")
        if fate == "twice":
            self.do(*request)
        status, answer = self.do(*request)
        if fate == "after":
            raise httpx.ReadTimeout("made up")
        return HttpAnswer(status=status, headers={}, body=answer)

    def do(self, verb, query, body):
        """Do a request."""
        return getattr(self.flavour, verb)(self.state, query, body)


@pytest.fixture(autouse=True)
def fake_time(monkeypatch):
    """Who waits for the server's lock lets others go on."""
    now = SimpleNamespace(s=0.0)

    def sleep(_):
        now.s += 1
        draw(("go on",))

    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now.s))


def seek(seed, flavour, *, store=http.HttpStore):
    """Try one history over a new state."""
    state = state_server.State()
    address = http.read_address(URLS[flavour], is_typed=True)

    def open_client():
        if not any(one.name.startswith("run-") for one in threading.enumerate()):
            state.lock = None  # a person releases what a killed run left
        client = store(address)
        client._server._client = AdriftClient(flavour, state)
        return client

    seek_broken_promise(open_client, seed=seed, length=4000)


def seek_all(seeds, *flavour, **mistake):
    """Try one history after the other."""
    for seed in seeds:
        seek(seed, *flavour, **mistake)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("flavour", URLS)
def test_histories_keep_the_promises(flavour):
    """Whatever becomes of single requests."""
    seek_all(range(15), flavour)


class Hasty(http.HttpStore):
    """A store that reads the document before it takes the server's lock."""

    def _locked(self, at):
        present = self._server.get()
        lock, _ = super()._locked(http._head_of(self._server.get()))
        if http._head_of(present) != at:
            raise http.conflict(self.location)
        return lock, present


def test_an_update_that_follows_what_was_read_too_early_is_found_within_twenty_seeds(monkeypatch):
    """Another run's update between the look and the lock is overwritten."""
    monkeypatch.setattr(random_histories, "_SHRINKING_S", 0)
    with pytest.raises(BrokenPromiseError, match="seed"):
        seek_all(range(20), state_server.Plain, store=Hasty)
