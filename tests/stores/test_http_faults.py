"""Servers of Terraform's HTTP protocol that lose answers, deliver late, fail, refuse, or are none."""

import json
import re
import threading
from pathlib import Path

import httpx
import pytest
import tls_material
from msgspec.structs import replace
from raw_server import raw_server

from reconciler.model.errors import (
    OutcomeUnknown,
    ReconcilerError,
    StateConflict,
    StateDamaged,
    StateLocked,
    StateTooNew,
    StateUnavailable,
)
from reconciler.ports import Head, Stored
from reconciler.stores import http as http_store
from reconciler.stores.http import open_http
from reconciler.stores.http_address import read_address
from reconciler.stores.http_client import HttpClient

FLAVOURS = ("plain", "gitlab")


def opened(url):
    """A client of the state at `url`, as if the URL were given on the command line."""
    return open_http(url, root=Path(), is_typed=True)


def refusal(kind, call):
    """The error that `call` raises, which is exactly of `kind`."""
    with pytest.raises(ReconcilerError) as caught:
        call()
    assert type(caught.value) is kind, caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    """Each kind of server."""
    return request.param


@pytest.fixture
def place(server, flavour):
    """A state that nobody has used."""
    return server.place(flavour)


def begun(place, log=b"head\n"):
    """A client with the state `{}` and a log, and its head: it holds the lock if there is a log."""
    store = opened(place.url)
    head = store.replace(b"{}", b"", at=None)
    return store, store.append(log, at=head) if log else head


def log_at(place):
    """The log as another client loads it."""
    return opened(place.url).load().log


def persist(store, records, at):
    """Append `records` as a session does: after a failure look, and append again what is not there."""
    for _ in range(3):
        try:
            return store.append(records, at=at)
        except (StateUnavailable, StateConflict):
            found = store.load()
            if found.log.endswith(records):
                return found.head
            at = found.head
    raise AssertionError("it still fails")


def verbs(seen, verb):
    """The statuses of all requests of `verb`."""
    return [status for one, status in seen["log"] if one == verb]


LOST = {
    "cut before": {"do": "cut"},
    "cut after": {"do": "cut-after"},
    "502 before": {"do": "answer", "status": 502},
    "504 after": {"do": "answer-after", "status": 504},
    "503 before": {"do": "answer", "status": 503, "headers": {"retry-after": "1"}},
    "500 after": {"do": "answer-after", "status": 500, "body": '{"message": "oops"}'},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_is_told_and_found_out(server, place, fault):
    """The store does not guess; whether the update was made or not, the next change follows what is there."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", **fault}])
    error = refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    assert error.retry_after_s == float("headers" in fault)
    head = persist(store, b"more\n", store.load().head) if log_at(place) == b"head\n" else store.load().head
    head = store.append(b"last\n", at=head)
    assert log_at(place) == b"head\nmore\nlast\n"
    head = store.replace(b"[]", b"", at=head)
    assert opened(place.url).load() == Stored(snapshot=b"[]", log=b"", head=head)
    assert (server.control(place)["lock"] is None) is ("/api/" in place.url)
    other = opened(place.url)
    other.replace(b"{}", b"", at=other.append(b"x\n", at=head))
    assert server.control(place)["lock"] is None


def test_throttling_changes_nothing(server, place):
    """The caller is told when to try again, and the lock is still held."""
    store, head = begun(place)
    server.control(
        place, faults=[{"verb": "update", "do": "answer", "status": 429, "headers": {"retry-after": "7"}}]
    )
    assert refusal(StateUnavailable, lambda: store.append(b"more\n", at=head)).retry_after_s == 7
    assert server.control(place)["lock"] is not None
    store.append(b"more\n", at=head)
    assert log_at(place) == b"head\nmore\n"


def test_an_update_that_arrives_late_is_refused(server, place):
    """It names an ID that has the lock no more, so that what was written since stays."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
    refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    assert store.load().head == head
    store.append(b"other\n", at=head)
    assert server.control(place, arrive=True)["arrived"] in ([423], [500])
    assert log_at(place) == b"head\nother\n"


def test_an_update_that_arrives_between_the_look_and_the_next_change(server, place):
    """The next change follows a head that is gone: it is refused, and the update is there."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
    refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    assert store.load().head == head
    server.control(place, arrive=True)
    refusal(StateConflict, lambda: store.append(b"more\n", at=head))
    store.append(b"last\n", at=store.load().head)
    assert log_at(place) == b"head\nmore\nlast\n"


def test_a_late_update_is_refused_by_gitlab_when_nobody_holds_the_lock(server):
    """There an update that names an ID is made only while just that ID has the lock."""
    place = server.place("gitlab")
    store, head = begun(place, log=b"")
    server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
    refusal(OutcomeUnknown, lambda: store.append(b"head\n", at=head))
    assert store.load().head == head
    assert server.control(place)["lock"] is None
    assert server.control(place, arrive=True)["arrived"] == [500]
    assert log_at(place) == b""


def test_a_lost_last_answer_does_not_stop_the_next_run(server, place):
    """At GitLab the look releases the lock. Elsewhere it stays until then, to refuse what is late."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "cut-after"}])
    refusal(OutcomeUnknown, lambda: store.replace(b"[]", b"", at=head))
    assert server.control(place)["lock"] is not None
    found = store.load()
    assert (server.control(place)["lock"] is None) is ("/api/" in place.url)
    other = opened(place.url)
    other.replace(b"{}", b"", at=other.append(b"x\n", at=found.head))
    assert server.control(place)["lock"] is None


def lose_answer_between_locks(server, place, store, head):
    """The answer to an update is lost, and the exchange of the lock ends half-way: nobody has the lock."""
    server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
    refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    server.control(place, faults=[{"verb": "lock", "do": "answer", "status": 403}])
    refusal(StateUnavailable, lambda: store.append(b"more\n", at=head))
    assert server.control(place)["lock"] is None


def test_who_comes_between_two_locks_ends_the_first_run(server, place):
    """Another follows the head and has the lock: nothing of the first run is written, and the lock stays."""
    store, head = begun(place)
    lose_answer_between_locks(server, place, store, head)
    other = opened(place.url)
    after = other.append(b"other\n", at=head)
    for _ in range(2):
        refusal(StateConflict, lambda: store.append(b"more\n", at=head))
    assert store.load().log == b"head\nother\n"
    other.append(b"again\n", at=after)
    assert log_at(place) == b"head\nother\nagain\n"


def test_the_exchange_of_a_lock_is_taken_up_again(server, place):
    """Where nobody came between, the run goes on."""
    store, head = begun(place)
    lose_answer_between_locks(server, place, store, head)
    store.append(b"again\n", at=head)
    assert log_at(place) == b"head\nagain\n"


def test_a_lock_that_could_not_be_released_is_still_ours(server, place):
    """An exchange that ended before its first half was done is taken up again, too."""
    store, head = begun(place)
    server.control(
        place,
        faults=[{"verb": "update", "do": "cut"}, {"verb": "unlock", "do": "answer", "status": 403}],
    )
    refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    refusal(StateUnavailable, lambda: store.append(b"more\n", at=head))
    assert server.control(place)["lock"] is not None
    store.append(b"again\n", at=head)
    assert log_at(place) == b"head\nagain\n"


@pytest.mark.parametrize("fault", ["cut", "cut-after", "answer"])
@pytest.mark.parametrize("verb", ["lock", "read"])
def test_other_lost_answers_change_nothing(server, place, verb, fault):
    """Locking and reading may be tried again at once, and leave nothing behind."""
    store, head = begun(place, log=b"")
    server.control(place, faults=[{"verb": verb, "do": fault, "status": 500}])
    assert refusal(StateUnavailable, lambda: store.append(b"head\n", at=head)).retry_after_s == 0
    assert server.control(place)["lock"] is None
    head = store.append(b"head\n", at=head)
    store.replace(b"[]", b"", at=head)
    assert server.control(place)["lock"] is None


@pytest.mark.parametrize("fault", ["cut", "cut-after", "answer"])
def test_a_release_that_fails_is_made_up_for(server, place, fault):
    """The state was written all the same; the next client releases the lock, whose run is done."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "unlock", "do": fault, "status": 500}])
    head = store.replace(b"[]", b"", at=head)
    assert (server.control(place)["lock"] is None) is (fault == "cut-after")
    opened(place.url).append(b"other\n", at=head)
    assert log_at(place) == b"other\n"


def test_a_killed_run_is_followed_at_its_head(server, place):
    """Its lock at the server is that of the document, so who follows its head needs no other permission."""
    _, head = begun(place)
    held = server.control(place)["lock"]["ID"]
    other = opened(place.url)
    refusal(StateConflict, lambda: other.append(b"x\n", at=Head("another")))
    assert server.control(place)["lock"]["ID"] == held
    other.append(b"broken\n", at=head)
    assert log_at(place) == b"head\nbroken\n"


@pytest.mark.parametrize("arrives", ["while the other works", "after the other has ended"])
def test_a_run_that_was_forced_out_changes_nothing(server, place, arrives):
    """Neither by a new change nor by a late one."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
    refusal(OutcomeUnknown, lambda: store.append(b"late\n", at=head))
    other = opened(place.url)
    after = other.append(b"broken\n", at=head)
    server.control(place, arrive=arrives == "while the other works")
    for change in (lambda: store.append(b"x\n", at=head), lambda: store.replace(b"x", b"", at=head)):
        refusal(StateConflict, change)
    after = other.replace(b"[]", b"", at=after)
    server.control(place, arrive=True)
    refusal(StateConflict, lambda: store.append(b"x\n", at=head))
    assert opened(place.url).load() == Stored(snapshot=b"[]", log=b"", head=after)


def test_a_lock_that_was_exchanged_is_of_the_same_run(server, place):
    """A run that is killed in the middle of an exchange can be followed, too."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "cut"}])
    refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    server.control(place, faults=[{"verb": "update", "do": "cut"}])
    refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head))
    opened(place.url).append(b"broken\n", at=head)
    assert log_at(place) == b"head\nbroken\n"


def test_a_lock_that_was_released_at_the_server(server, place):
    """By a person, say. Who may work is written in the log, so the run goes on under a new one."""
    store, head = begun(place)
    server.control(place, lock=None)
    persist(store, b"more\n", head)
    assert log_at(place) == b"head\nmore\n"
    assert server.control(place)["lock"] is not None


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits long for a lock."""
    monkeypatch.setattr(http_store, "_PATIENCE_S", 0.2)


@pytest.mark.usefixtures("impatient")
def test_a_run_that_was_killed_as_it_began_is_released_by_its_id(server, place):
    """The document does not name its lock, so a person must; another ID releases nothing."""
    _, head = begun(place, log=b"")
    server.control(place, faults=[{"verb": "update", "do": "cut"}])
    refusal(OutcomeUnknown, lambda: opened(place.url).append(b"head\n", at=head))
    held = server.control(place)["lock"]["ID"]
    other = opened(place.url)
    error = refusal(StateLocked, lambda: other.append(b"other\n", at=head))
    assert held in error.holder
    assert f"`reconciler unlock {held}`" in error.hint
    assert other.release("other") is None
    assert held in other.release(held)
    assert other.release(held) is None
    other.append(b"other\n", at=head)
    assert log_at(place) == b"other\n"


def test_success_that_is_told_late(server, flavour):
    """An update that takes longer than we wait is found to be made, and is not made twice."""
    place = server.place(flavour, options="#timeout=1")
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "", "delay": 1.3}])
    persist(store, b"more\n", head)
    assert log_at(place) == b"head\nmore\n"


def test_serials_rise_with_every_update(server):
    """GitLab keeps a version of each, in the order in which they were made."""
    place = server.place("gitlab")
    store, head = begun(place)
    assert "`backup`" in store.keep_backup(b"old")
    store.replace(b"[]", b"", at=head)
    seen = server.control(place)
    assert seen["serials"] == [1, 2, 3]
    assert json.loads(seen["document"])["serial"] == 3


def test_a_backup_comes_with_the_next_snapshot(place):
    """And stays until there is another."""
    store, head = begun(place)
    assert store.backup() is None
    store.keep_backup(b"old")
    head = store.append(b"more\n", at=head)
    assert store.backup() is None
    head = store.replace(b"[]", b"lock\n", at=head)
    store.replace(b"{}", b"", at=head)
    assert opened(place.url).backup() == b"old"
    assert store.earlier("1") is None


WRONG = {
    "no permission": ({"verb": "update", "do": "answer", "status": 403}, {}, "does not permit"),
    "too large": ({}, {"largest": 2_000}, "larger than the server"),
    "elsewhere": (
        {
            "verb": "update",
            "do": "answer",
            "status": 307,
            "headers": {"location": "https://u:p@x.example/y?t=1"},
        },
        {},
        "elsewhere to https://x.example/y .HTTP 307",
    ),
    "an odd refusal": (
        {"verb": "update", "do": "answer", "status": 418, "body": '{"message": "I am\\u001b a teapot"}'},
        {},
        "refuses to write .*HTTP 418: I am\ufffd a teapot",
    ),
    "locked by us": ({"verb": "update", "do": "answer", "status": 409}, {}, "refuses to write .*HTTP 409"),
    "no such place": ({"verb": "update", "do": "answer", "status": 404}, {}, "refuses to write"),
    "too busy": (
        {
            "verb": "update",
            "do": "answer",
            "status": 429,
            "headers": {"retry-after": "Wed, 01 Jan 2098 00:00:00 GMT"},
        },
        {},
        "is too busy",
    ),
}


@pytest.mark.parametrize(("fault", "modes", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_refused_update_changes_nothing(server, place, fault, modes, said):
    """It is told with what to do, and the next one is made."""
    store, head = begun(place)
    server.control(place, faults=[fault] if fault else [], modes=modes)
    error = refusal(StateUnavailable, lambda: store.append(b"more\n" * 1_000, at=head))
    assert place.url in error.message
    with pytest.raises(StateUnavailable, match=said):
        raise error
    server.control(place, modes={"largest": 10**9})
    assert log_at(place) == b"head\n"
    store.append(b"next\n", at=head)
    assert log_at(place) == b"head\nnext\n"


def test_a_page_in_place_of_an_answer_tells_nothing(server, place):
    """The server behind it may have made the update."""
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "answer", "status": 200, "body": "<html>hi"}])
    assert "an HTML page" in refusal(OutcomeUnknown, lambda: store.append(b"more\n", at=head)).message


NO_LOCKS = {"404": 404, "405": 405, "501": 501}


@pytest.mark.parametrize("status", NO_LOCKS.values(), ids=NO_LOCKS.keys())
def test_a_server_that_does_not_lock_is_refused(server, place, status):
    """Reading needs no lock; changing does."""
    server.control(place, modes={"never-locks": status})
    store = opened(place.url)
    assert store.load() is None
    assert "does not lock" in refusal(StateUnavailable, lambda: store.replace(b"x", b"", at=None)).message
    assert server.control(place)["document"] is None


UNSAFE = {"ignores-ids": "clients that do not hold its lock", "two-locks": "two clients at once"}


@pytest.mark.parametrize(("mode", "said"), UNSAFE.items(), ids=UNSAFE.keys())
def test_a_server_that_breaks_the_promises_is_found_out(server, mode, said):
    """By the first snapshot, before anything is entrusted to it."""
    place = server.place("plain")
    server.control(place, modes={mode: True})
    store = opened(place.url)
    assert said in refusal(StateUnavailable, lambda: store.replace(b"{}", b"", at=None)).message
    assert opened(place.url).load() is None


def test_a_server_that_begins_to_give_its_lock_to_two_is_found_out(server):
    """Each run looks, when it takes the lock."""
    place = server.place("plain")
    store, head = begun(place, log=b"")
    server.control(place, modes={"two-locks": True})
    assert "two clients" in refusal(StateUnavailable, lambda: store.append(b"x\n", at=head)).message


def test_a_server_that_writes_json_anew_is_as_good(server):
    """What comes back is what was given, byte for byte."""
    place = server.place("plain")
    server.control(place, modes={"rewrites": True})
    state = b'{\n  "a": "\xc3\xa9",\n  "b": [\n    1\n  ]\n}\n'
    store = opened(place.url)
    head = store.replace(state, b"", at=None)
    assert opened(place.url).load() == Stored(snapshot=state, log=b"", head=head)


FOREIGN = {
    "Terraform's": (
        '{"version": 4, "terraform_version": "1.11.4", "serial": 1}',
        StateUnavailable,
        "Terraform",
    ),
    "a list": ("[1]", StateUnavailable, "something other"),
    "text": ("hello", StateUnavailable, "not JSON"),
    "a page": ("<html>Sign in</html>", StateUnavailable, "an HTML page"),
    "deep": ("[" * 100_000, StateUnavailable, "not JSON"),
    "newer": ('{"reconcilerState": 3}', StateTooNew, "newer version"),
    "odd version": ('{"reconcilerState": "x", "serial": 1, "lineage": "x"}', StateDamaged, "damaged"),
    "no version": (
        '{"reconcilerState": {}, "serial": 1, "lineage": "x", "log": "", "lock": ""}',
        StateDamaged,
        "damaged",
    ),
    "half": ('{"reconcilerState": 2, "serial": 1}', StateDamaged, "damaged"),
    "half of an old one": (
        '{"reconcilerState": 1, "serial": 1, "lineage": "x", "log": ""}',
        StateDamaged,
        "damaged",
    ),
}
PARTS = {"serial": 1, "lineage": "x", "lock": "", "snapshot": None, "log": "", "backup": None}
FOREIGN |= {
    f"{name} {value!r}": (json.dumps({"reconcilerState": 2, **PARTS, name: value}), StateDamaged, "damaged")
    for name, value in {
        "serial": "1",
        "lineage": 1,
        "lock": None,
        "snapshot": {"json": 1, "style": "baroque"},
        "log": {"base64": "?"},
        "backup": {"gzip": "AAAA"},
    }.items()
}


@pytest.mark.parametrize(("document", "kind", "said"), FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_not_ours_is_not_overwritten(server, document, kind, said):
    """Neither read nor written; it stays as it is, and is not locked."""
    place = server.place("plain")
    server.control(place, document=document)
    store = opened(place.url)
    for call in (
        store.load,
        store.backup,
        lambda: store.replace(b"x", b"", at=None),
        lambda: store.append(b"x\n", at=Head("x")),
    ):
        error = refusal(kind, call)
        assert said in error.message
        assert place.url in error.message
    seen = server.control(place)
    assert (seen["document"], seen["lock"]) == (document, None)


OLD = {
    "reconcilerState": 1,
    "serial": 7,
    "lineage": "x",
    "snapshot": "{}",
    "journal": "a\nb\n",
    "backup": None,
}


def test_a_document_of_an_earlier_version_is_read_and_replaced(server, place):
    """Its journal is the log; the new document is one that an earlier version refuses."""
    server.control(place, document=json.dumps(OLD))
    store = opened(place.url)
    found = store.load()
    assert (found.snapshot, found.log) == (b"{}", b"a\nb\n")
    store.replace(b"[]", b"", at=found.head)
    document = json.loads(server.control(place)["document"])
    assert (document["reconcilerState"], document["serial"], document["lineage"]) == (2, 8, "x")
    assert (document["snapshot"], document["log"], "journal" in document) == ("[]", "", False)


@pytest.mark.usefixtures("impatient")
def test_a_run_of_an_earlier_version_is_not_disturbed(server):
    """Its lock is at the server only. It is shown, and a person can release it."""
    place = server.place("plain")
    lock = {"ID": "4f1c", "Who": "jdoe@laptop", "Created": "2026-11-25T22:40:00Z"}
    server.control(place, document=json.dumps(OLD), lock=lock)
    store = opened(place.url)
    head = store.load().head
    error = refusal(StateLocked, lambda: store.replace(b"[]", b"", at=head))
    assert error.holder == "jdoe@laptop (since 2026-11-25T22:40:00Z, lock id 4f1c)"
    assert "earlier version" in error.hint
    assert "`reconciler unlock 4f1c`" in error.hint
    store.release("4f1c")
    store.replace(b"[]", b"", at=head)


def test_a_body_that_is_cut_is_told(server, place):
    """Another try may help."""
    begun(place)
    server.control(place, faults=[{"verb": "read", "do": "truncate"}])
    error = refusal(StateUnavailable, opened(place.url).load)
    assert "cannot reach" in error.message
    assert error.retry_after_s == 0


def test_wrong_credentials_are_not_shown(server, monkeypatch):
    """Not even where the server sends them back."""
    monkeypatch.setenv("TF_HTTP_PASSWORD", "hunter2")
    error = refusal(StateUnavailable, opened(server.place("gitlab").url).load)
    assert "does not accept the credentials" in error.message
    assert "TF_HTTP_PASSWORD" in error.hint
    assert "Basic" not in error.message


def test_without_credentials_none_are_sent(server, monkeypatch):
    """A server that wants some says so; one that wants none is content."""
    monkeypatch.delenv("TF_HTTP_USERNAME")
    monkeypatch.delenv("TF_HTTP_PASSWORD")
    error = refusal(StateUnavailable, opened(server.place("gitlab").url).load)
    assert "(HTTP 401: 401 Unauthorized)" in error.message
    assert opened(server.place("plain").url).load() is None


NAMED = {
    "https://state.example": True,
    "https://STATE.example:443/another/state": True,
    "https://user@state.example/x": True,
    "http://state.example": False,
    "https://state.example:8443": False,
    "https://state.example.evil": False,
    "state.example": False,
    "https://[x": False,
    "": False,
}


@pytest.mark.parametrize(("variable", "is_named"), NAMED.items(), ids=repr)
def test_credentials_are_for_the_server_that_the_environment_names(monkeypatch, variable, is_named):
    """By scheme, host and port; or for one that is typed on the command line."""
    monkeypatch.setenv("TF_HTTP_ADDRESS", variable)
    assert read_address("https://state.example/x", is_typed=False).is_trusted is is_named
    assert read_address("https://state.example/x", is_typed=True).is_trusted


@pytest.mark.parametrize("status", [401, 403, 404])
def test_credentials_are_not_sent_to_a_server_that_only_a_file_names(monkeypatch, status):
    """A pull request could name a server of its own. The error says how to name the right one."""
    heads = []

    def converse(conversation):
        conversation.read_head()
        heads.append(bytes(conversation.received).lower())
        conversation.send(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status)

    monkeypatch.setenv("TF_HTTP_PASSWORD", "hunter2")
    monkeypatch.setenv("TF_HTTP_ADDRESS", "https://state.example")
    with raw_server(converse) as raw:
        url = f"{raw.url}/x"
        error = refusal(StateUnavailable, open_http(url, root=Path()).load)
        assert f"TF_HTTP_ADDRESS={raw.url}" in error.hint
        assert "hunter2" not in error.hint
        monkeypatch.setenv("TF_HTTP_ADDRESS", raw.url)
        refusal(StateUnavailable, open_http(url, root=Path()).load) if status != 404 else opened(url).load()
    assert [b"authorization: basic" in head for head in heads] == [False, True]


def test_credentials_do_not_follow_the_lock_to_another_server(monkeypatch):
    """Only the server of the state gets them."""
    heads = []

    def converse(conversation):
        while conversation.read_head():
            heads.append(bytes(conversation.received).lower())
            status = b"200 OK" if b"LOCK " in bytes(conversation.received)[:8] else b"404 Not Found"
            conversation.send(b"HTTP/1.1 %s\r\ncontent-length: 0\r\n\r\n" % status)
            conversation.received = b""

    monkeypatch.setenv("TF_HTTP_PASSWORD", "hunter2")
    with raw_server(converse) as raw, raw_server(converse) as lock:
        url = f"{raw.url}/x#lock-address={lock.url}/y"
        refusal(StateConflict, lambda: opened(url).append(b"x\n", at=Head("x")))
    assert {head[:4].strip(): b"authorization: basic" in head for head in heads} == {
        b"lock": False,
        b"get": True,
        b"unlo": False,
    }


def test_a_missing_project_shows_at_the_first_change(server):
    """Reading it looks like an absent state; locking it does not."""
    place = server.place("gitlab")
    missing = opened(replace(place, url=place.url.replace("/1/", "/2/")).url)
    assert missing.load() is None
    error = refusal(StateUnavailable, lambda: missing.replace(b"{}", b"", at=None))
    assert "HTTP 404: 404 Project Not Found" in error.message


TERRAFORMS = {
    "ID": "87db7703-c09a-6f84-6044-fa95796725a0",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "jdoe@laptop",
    "Version": "1.11.4",
    "Created": "2026-11-25T22:40:00.123456789Z",
    "Path": "",
}
ODD_LOCKS = {
    "Terraform's": TERRAFORMS,
    "no time": {"ID": "x"},
    "no text": {"ID": "x", "Created": 1, "Who": None},
    "of nobody": {"ID": "x", "Who": "\x1b[31m"},
    "of an earlier version": {"ID": f"reconciler.{'WyJ4Il0' * 30}"},
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lock", ODD_LOCKS.values(), ids=ODD_LOCKS.keys())
def test_a_lock_of_another_tool_is_shown_and_can_be_released(server, place, lock):
    """As much is shown of it as the server tells; its ID is what it takes to release it."""
    store, head = begun(place, log=b"")
    server.control(place, lock=lock)
    error = refusal(StateLocked, lambda: store.append(b"x\n", at=head))
    name = re.search(r"lock id (\S{1,80})\)", error.holder)[1]
    assert name == lock["ID"] or len(lock["ID"]) > 80
    assert f"`reconciler unlock {name}`" in error.hint
    assert error.message.isprintable()
    if lock is TERRAFORMS and "/plain/" in place.url:
        assert "jdoe@laptop (since 2026-11-25T22:40:00.123456789Z" in error.holder
    assert name in store.release(name)
    store.append(b"x\n", at=head)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_does_not_say_who_holds_the_lock(server):
    """It locks all the same, and whoever follows a killed run knows its lock from the document."""
    place = server.place("plain")
    server.control(place, modes={"names-nobody": True})
    store, head = begun(place)
    server.control(place, faults=[{"verb": "update", "do": "cut-after"}])
    head = persist(store, b"more\n", head)
    assert log_at(place) == b"head\nmore\n"
    opened(place.url).append(b"broken\n", at=head)
    assert store.release("x") is None
    server.control(place, lock=TERRAFORMS)
    error = refusal(StateLocked, lambda: store.append(b"x\n", at=store.load().head))
    assert "an unknown run" in error.message
    assert "at the server" in error.hint


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_goes_while_it_is_released(server, place):
    """Its holder let go of it in between, which is no success; and a refusal is told."""
    begun(place)
    held = server.control(place)["lock"]["ID"]
    server.control(place, faults=[{"verb": "unlock", "do": "answer", "status": 409}])
    assert opened(place.url).release(held) is None
    server.control(place, faults=[{"verb": "unlock", "do": "answer", "status": 405}])
    error = refusal(StateUnavailable, lambda: opened(place.url).release(held))
    assert "refuses to unlock" in error.message


def test_conflicts_are_told_before_anything_is_sent(server, place):
    """A change that follows another head is no update at all, and leaves no lock."""
    begun(place, log=b"")
    before = verbs(server.control(place), "update")
    store = opened(place.url)
    refusal(StateConflict, lambda: store.replace(b"two", b"", at=None))
    refusal(StateConflict, lambda: store.append(b"x\n", at=Head("x")))
    seen = server.control(place)
    assert (verbs(seen, "update"), seen["lock"]) == (before, None)


def test_one_of_many_clients_follows_a_head(place):
    """All try at once; one succeeds, the others learn of it, and nothing else is there."""
    _, head = begun(place, log=b"")
    answers = []

    def follow(number):
        try:
            opened(place.url).append(b"%d\n" % number, at=head)
            answers.append(number)
        except StateConflict:
            answers.append(None)

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [number for number in answers if number is not None]
    assert len(answers) == 6
    assert log_at(place) == b"%d\n" % winner


def absent(conversation):
    """Answer that there is nothing here."""
    if conversation.read_head():
        conversation.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")


@pytest.fixture
def secure(server):
    """A server with TLS; gives its URL. What its clients trust is the test's to say."""
    del server
    with raw_server(absent, tls=tls_material.good()) as raw:
        yield f"{raw.url}/state"


def test_tls_that_fails_says_what_to_do(secure, tmp_path, monkeypatch):
    """An authority that nobody knows is refused until SSL_CERT_FILE names it."""
    error = refusal(StateUnavailable, opened(secure).load)
    assert "certificate" in error.message
    assert "SSL_CERT_FILE" in error.hint
    for name, value in tls_material.trust_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert opened(secure).load() is None


def test_authorities_that_cannot_be_read(secure, tmp_path, monkeypatch):
    """A certificate file that is not there is named before anything is sent."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    error = refusal(StateUnavailable, opened(secure).load)
    assert "certificate authorities cannot be read" in error.message


@pytest.mark.parametrize(
    "proxy",
    [
        "socks9://user:hunter2@proxy",
        "http://user:hunter2@",
        "user:hunter2@h:x",
        "http://user:hunter2@[",
        "://hunter2",
    ],
)
def test_a_proxy_that_cannot_be_used(monkeypatch, proxy):
    """It is named by its variable; its password is not."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = refusal(StateUnavailable, opened("https://state.example/x").load)
    assert "HTTPS_PROXY" in error.message
    assert "hunter2" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    "no", ["fd07::/64", "[::1]", "10.0.0.0/8,,", "*.example.org", "<local>", "]", "Ren\udce9"]
)
def test_what_no_proxy_does_not_name_goes_through_the_proxy(monkeypatch, no):
    """Each of a state's addresses; what cannot be read of NO_PROXY is left out."""

    def converse(conversation):
        while conversation.read_head():
            conversation.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            conversation.received = b""

    with raw_server(converse) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("no_proxy", no)
        url = "http://state.example/x#allow-http=true&lock-address=http://lock.example/y"
        assert opened(url).load() is None
        assert len(proxy.conversations) == 1
        refusal(StateUnavailable, lambda: opened(url).append(b"x\n", at=Head("x")))
        assert len(proxy.conversations) == 2


def test_a_server_that_is_not_there():
    """It is told, and another try may help."""
    with raw_server(absent) as raw:
        url = f"{raw.url}/state"
    error = refusal(StateUnavailable, opened(url).load)
    assert f"cannot reach {url}: ConnectError" in error.message
    assert error.retry_after_s == 0


def test_a_server_that_says_nothing():
    """Waiting for it is bounded by the option `timeout`."""
    with raw_server(lambda conversation: conversation.ended.wait(30)) as raw:
        wire = HttpClient(read_address(f"{raw.url}/state#timeout=1", is_typed=True))
        with pytest.raises(httpx.ReadTimeout):
            wire.send("GET", f"{raw.url}/state")


def trickle(conversation):
    """Answer without end, a byte at a time."""
    if conversation.read_head():
        conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        conversation.trickle(b" ")


def test_a_server_that_trickles():
    """An answer has four times the time of a single wait, all in all."""
    with raw_server(trickle) as raw:
        wire = HttpClient(read_address(f"{raw.url}/state#timeout=1", is_typed=True))
        with pytest.raises(httpx.ReadTimeout, match="too long"):
            wire.send("GET", f"{raw.url}/state")
