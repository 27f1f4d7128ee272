"""Servers of Terraform's HTTP protocol that lose answers, deliver late, fail, refuse, or are none."""

import json

import httpx
import pytest
import tls_material
from msgspec.structs import replace
from raw_server import raw_server

from reconciler.model.errors import (
    StateConflict,
    StateDamaged,
    StateLocked,
    StateTooNew,
    StateUnavailable,
    UnlockRefused,
)
from reconciler.ports import Breaking
from reconciler.stores.conformance import a_lock, refusal, take
from reconciler.stores.http_address import read_address
from reconciler.stores.http_client import HttpClient, HttpRequest, Resend
from reconciler.stores.opening import open_store

FLAVOURS = ("plain", "gitlab")


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    """Each kind of server."""
    return request.param


@pytest.fixture
def place(server, flavour):
    """A state that nobody has used."""
    return server.place(flavour)


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
    "429": {"do": "answer", "status": 429, "headers": {"retry-after": "0"}},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_is_found_out(server, place, fault):
    """Whether the update was made or not, it is there once in the end, and nobody else's lock was needed."""
    backend = place.open()
    info = a_lock("apply")
    with backend.lock(info, timeout_s=0):
        backend.write(b"one", replacing=None)
        backend.append_journal(b"head|", after=0)
        server.control(place, faults=[{"verb": "update", **fault}])
        backend.append_journal(b"more|", after=5)
        assert place.open().read_journal() == b"head|more|"
        assert place.open().lock_holder().info == info
        backend.append_journal(b"last|", after=10)
    assert place.open().read_journal() == b"head|more|last|"
    assert server.control(place)["lock"] is None


def test_a_write_whose_answer_is_lost_is_no_conflict(server, place):
    """What stands there instead of what it was to replace is its own."""
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        one = backend.write(b"one", replacing=None)
        server.control(place, faults=[{"verb": "update", "do": "cut-after"}])
        two = backend.write(b"two", replacing=one)
    found = place.open().read()
    assert (found.data, found.version) == (b"two", two)


def test_an_update_that_arrives_late_is_refused(server, place):
    """It names a claim that does not stand any more, so that what was written since stays."""
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
        backend.append_journal(b"more|", after=5)
        backend.append_journal(b"last|", after=10)
        seen = server.control(place, arrive=True)
        assert seen["arrived"] in ([423], [500])
        assert place.open().read_journal() == b"head|more|last|"
    assert place.open().read_journal() == b"head|more|last|"


def test_a_late_update_is_refused_by_gitlab_when_nobody_holds_the_lock(server):
    """There an update that names a claim is taken only while just that claim stands."""
    place = server.place("gitlab")
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        server.control(place, faults=[{"verb": "update", "do": "hold-back"}])
        backend.append_journal(b"head|", after=0)
    assert server.control(place, arrive=True)["arrived"] == [500]
    assert place.open().read_journal() == b"head|"


def lose_answer_between_claims(server, place, backend):
    """An update is in the dark, and the exchange of the claim ends half-way: nobody holds the lock."""
    nth = 2 if "/api/" in place.url else 3
    server.control(
        place,
        faults=[
            {"verb": "update", "do": "hold-back"},
            {"verb": "lock", "nth": nth, "do": "answer", "status": 403},
        ],
    )
    refusal(StateUnavailable, lambda: backend.append_journal(b"more|", after=5))
    assert server.control(place)["lock"] is None


def test_who_comes_between_two_claims_ends_the_first_run(server, place):
    """Another has the lock: nothing is written or acknowledged any more, and its lock stays."""
    backend, other = place.open(), place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        lose_answer_between_claims(server, place, backend)
        info = a_lock("other")
        with other.lock(info, timeout_s=0):
            for _ in range(2):
                error = refusal(StateUnavailable, lambda: backend.append_journal(b"more|", after=5))
                assert "taken away" in error.message
            assert backend.read_journal() == b"head|"
            other.append_journal(b"other|", after=0)
            assert place.open().lock_holder().info == info
    assert place.open().read_journal() == b"other|"


def test_who_was_there_between_two_claims_is_noticed(server, place):
    """It let go of the lock again, but the document is not what we left: the first run ends."""
    backend, other = place.open(), place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        lose_answer_between_claims(server, place, backend)
        with other.lock(a_lock("other"), timeout_s=0):
            other.append_journal(b"other|", after=0)
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"more|", after=5))
        assert "changed by somebody else" in error.message
        assert backend.read_journal() == b"other|"
    assert place.open().lock_holder() is None


def test_the_exchange_of_a_claim_is_taken_up_again(server, place):
    """Where nobody came between, the run goes on."""
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        lose_answer_between_claims(server, place, backend)
        assert backend.read_journal() == b"head|"
        backend.append_journal(b"again|", after=5)
    assert place.open().read_journal() == b"head|again|"


def test_a_claim_that_could_not_be_let_go_of_is_still_ours(server, place):
    """An exchange that ended before its first half was done is taken up again, too."""
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        server.control(
            place,
            faults=[{"verb": "update", "do": "cut"}, {"verb": "unlock", "do": "answer", "status": 403}],
        )
        refusal(StateUnavailable, lambda: backend.append_journal(b"more|", after=5))
        assert server.control(place)["lock"] is not None
        backend.append_journal(b"again|", after=5)
    seen = server.control(place)
    assert (seen["lock"], json.loads(seen["document"])["journal"]) == (None, "head|again|")


@pytest.mark.parametrize("fault", ["cut", "cut-after"])
@pytest.mark.parametrize("verb", ["lock", "unlock", "read"])
def test_other_lost_answers_pass_unseen(server, place, verb, fault):
    """Locking, letting go and reading are done twice if need be, and leave nothing behind."""
    backend = place.open()
    server.control(place, faults=[{"verb": verb, "do": fault}])
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
    assert server.control(place)["lock"] is None
    assert place.open().read_journal() == b"head|"


def test_a_lock_that_is_lost_while_an_answer_is_lost(server, place):
    """The lock is broken while an update is in the dark: the run ends, and takes no lock again."""
    backend, other = place.open(), place.open()
    info = a_lock("apply")
    with backend.lock(info, timeout_s=0):
        backend.append_journal(b"head|", after=0)
        server.control(place, faults=[{"verb": "update", "do": "cut", "times": 1}], lock=None)
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"more|", after=5))
        assert "taken away" in error.message
    assert other.lock_holder() is None
    assert other.read_journal() == b"head|"


def test_success_that_is_told_late(server, flavour):
    """An update that takes longer than we wait is found to be made, and is not made twice."""
    place = server.place(flavour, options="#timeout=1")
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        server.control(place, faults=[{"verb": "update", "do": "", "delay": 1.3}])
        backend.append_journal(b"more|", after=5)
    assert place.open().read_journal() == b"head|more|"


def test_serials_rise_with_every_update(server):
    """GitLab keeps a version of each, in the order in which they were made."""
    place = server.place("gitlab")
    backend = place.open()
    with backend.lock(a_lock("init"), timeout_s=0):
        backend.prove_conditional_writes()
        version = backend.write(b"{}", replacing=None)
        backend.append_journal(b"a|", after=0)
        backend.back_up(b"{}")
        backend.write(b"[]", replacing=version)
        backend.clear_journal()
    seen = server.control(place)
    assert seen["serials"] == list(range(1, 8))
    assert json.loads(seen["document"])["serial"] == 7


WRONG = {
    "no permission": ({"verb": "update", "do": "answer", "status": 403}, {}, "does not permit"),
    "too large": ({}, {"largest": 10}, "larger than the server"),
    "a page": (
        {"verb": "update", "do": "answer", "status": 200, "body": "<html>hi"},
        {},
        "an HTML page",
    ),
    "elsewhere": (
        {
            "verb": "update",
            "do": "answer",
            "status": 307,
            "headers": {"location": "https://u:p@x.example/y?t=1"},
        },
        {},
        "HTTP 307 to https://x.example/y$",
    ),
    "an odd refusal": (
        {"verb": "update", "do": "answer", "status": 418, "body": '{"message": "I am\\u001b a teapot"}'},
        {},
        "refuses to write .*HTTP 418: I am\ufffd a teapot",
    ),
    "locked by us": ({"verb": "update", "do": "answer", "status": 409}, {}, "though this run holds its lock"),
    "no such place": ({"verb": "update", "do": "answer", "status": 404}, {}, "refuses to write"),
    "too busy": (
        {"verb": "update", "do": "answer", "status": 429, "headers": {"retry-after": "3600"}},
        {},
        "too busy for too long",
    ),
    "too busy until": (
        {
            "verb": "update",
            "do": "answer",
            "status": 503,
            "headers": {"retry-after": "Wed, 01 Jan 2098 00:00:00 GMT"},
        },
        {},
        "too busy for too long",
    ),
}


@pytest.mark.parametrize(("fault", "modes", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_refused_update_changes_nothing(server, place, fault, modes, said):
    """It is told with what to do, and the next one is made."""
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        server.control(place, faults=[fault] if fault else [], modes=modes)
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"more|", after=5))
        assert place.url in error.message
        with pytest.raises(StateUnavailable, match=said):
            raise error
        server.control(place, modes={"largest": 10**9})
        assert place.open().read_journal() == b"head|"
        backend.append_journal(b"next|", after=5)
    assert place.open().read_journal() == b"head|next|"


NO_LOCKS = {"404": 404, "405": 405, "501": 501}


@pytest.mark.parametrize("status", NO_LOCKS.values(), ids=NO_LOCKS.keys())
def test_a_server_that_does_not_lock_is_refused(server, place, status):
    """Reading needs no lock; changing does."""
    server.control(place, modes={"never-locks": status})
    assert place.open().read() is None
    for change in (lambda: take(place.open()), lambda: place.open().write(b"x", replacing=None)):
        assert "does not lock" in refusal(StateUnavailable, change).message
    assert server.control(place)["document"] is None


UNSAFE = {
    "ignores-ids": "clients that do not hold its lock",
    "two-locks": "two clients at once",
    "forgets": "does not return what was stored",
}


@pytest.mark.parametrize(("mode", "said"), UNSAFE.items(), ids=UNSAFE.keys())
def test_a_server_that_breaks_the_promises_is_found_out(server, mode, said):
    """By `init`, before anything is entrusted to it."""
    place = server.place("plain")
    server.control(place, modes={mode: True})
    backend = place.open()
    with backend.lock(a_lock("init"), timeout_s=0):
        error = refusal(StateUnavailable, backend.prove_conditional_writes)
    assert said in error.message
    assert place.open().read() is None


def test_a_server_that_writes_json_anew_is_as_good(server):
    """What comes back is what was given, byte for byte."""
    place = server.place("plain")
    server.control(place, modes={"rewrites": True})
    backend = place.open()
    state = b'{\n  "a": "\xc3\xa9",\n  "b": [\n    1\n  ]\n}\n'
    with backend.lock(a_lock("init"), timeout_s=0):
        backend.prove_conditional_writes()
        backend.write(state, replacing=None)
    assert place.open().read().data == state


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
    "newer": ('{"reconcilerState": 2}', StateTooNew, "newer version"),
    "odd version": ('{"reconcilerState": "x", "serial": 1, "lineage": "x"}', StateDamaged, "damaged"),
    "half": ('{"reconcilerState": 1, "serial": 1}', StateDamaged, "damaged"),
}
PARTS = {"serial": 1, "lineage": "x", "snapshot": None, "journal": "", "backup": None}
FOREIGN |= {
    f"{name} {value!r}": (json.dumps({"reconcilerState": 1, **PARTS, name: value}), StateDamaged, "damaged")
    for name, value in {
        "serial": "1",
        "lineage": 1,
        "snapshot": {"json": 1, "style": "baroque"},
        "journal": {"base64": "?"},
        "backup": "plain",
    }.items()
}


@pytest.mark.parametrize(("document", "kind", "said"), FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_not_ours_is_not_overwritten(server, document, kind, said):
    """Neither read nor written, with or without the lock; it stays as it is."""
    place = server.place("plain")
    server.control(place, document=document)
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        for call in (
            backend.read,
            backend.read_journal,
            lambda: backend.write(b"x", replacing=None),
            lambda: backend.append_journal(b"x", after=0),
            backend.prove_conditional_writes,
        ):
            error = refusal(kind, call)
            assert said in error.message
            assert place.url in error.message
    assert server.control(place)["document"] == document


def test_a_body_that_is_cut_is_asked_for_again(server, place):
    """And told if it stays so."""
    place.open().write(b"one", replacing=None)
    server.control(place, faults=[{"verb": "read", "do": "truncate"}])
    assert place.open().read().data == b"one"
    server.control(place, faults=[{"verb": "read", "do": "truncate", "times": 5}])
    assert "cannot reach" in refusal(StateUnavailable, place.open().read).message


def test_a_journal_that_was_cut_behind_our_back(place):
    """An append behind bytes that are not there is refused."""
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"x", after=9))
    assert "removed or cut" in error.message


def test_wrong_credentials_are_not_shown(server, monkeypatch):
    """Not even where the server sends them back."""
    monkeypatch.setenv("TF_HTTP_PASSWORD", "hunter2")
    error = refusal(StateUnavailable, server.place("gitlab").open().read)
    assert "does not accept the credentials" in error.message
    assert "TF_HTTP_PASSWORD" in error.hint
    assert "Basic" not in error.message


def test_without_credentials_none_are_sent(server, monkeypatch):
    """A server that wants some says so; one that wants none is content."""
    monkeypatch.delenv("TF_HTTP_USERNAME")
    monkeypatch.delenv("TF_HTTP_PASSWORD")
    assert (
        "(HTTP 401: 401 Unauthorized)"
        in refusal(StateUnavailable, server.place("gitlab").open().read).message
    )
    assert server.place("plain").open().read() is None


def test_a_missing_project_shows_at_the_first_change(server):
    """Reading it looks like an absent state; locking it does not."""
    place = server.place("gitlab")
    missing = replace(place, url=place.url.replace("/1/", "/2/"))
    assert missing.open().read() is None
    error = refusal(StateUnavailable, lambda: take(missing.open()))
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


def test_a_lock_of_another_tool_is_shown_and_can_be_broken(server, place):
    """As much is shown of it as the server tells."""
    server.control(place, lock=TERRAFORMS)
    error = refusal(StateLocked, lambda: take(place.open()))
    assert TERRAFORMS["ID"] in error.holder
    assert ("jdoe on laptop" in error.holder) is ("/plain/" in place.url)
    assert "2026-11-25T22:40:00Z" in error.holder
    assert ("`another tool`" in error.holder) is ("/plain/" not in place.url)
    holder = place.open().break_lock(TERRAFORMS["ID"], breaking=Breaking.DEAD)
    assert holder.info.lock_id == TERRAFORMS["ID"]
    take(place.open())


ODD_LOCKS = {
    "no time": {"ID": "x"},
    "no zone": {"ID": "x", "Created": "2026-11-25T22:40:00"},
    "told by half": {"ID": "reconciler.WyJ4Il0"},
    "told in noise": {"ID": "reconciler.\u00e9"},
    "ours about another": {"ID": "x", "Info": "y {}"},
}


@pytest.mark.parametrize("lock", ODD_LOCKS.values(), ids=ODD_LOCKS.keys())
def test_a_lock_that_tells_little_is_a_lock(server, lock):
    """Its ID is what it takes to break it."""
    place = server.place("plain")
    server.control(place, lock=lock)
    assert lock["ID"] in refusal(StateLocked, lambda: take(place.open())).holder
    assert place.open().break_lock(lock["ID"], breaking=Breaking.DEAD).info.lock_id == lock["ID"]


def test_a_server_that_does_not_say_who_holds_the_lock(server):
    """It locks all the same, finds out lost answers, and cannot break a lock by its ID."""
    place = server.place("plain")
    server.control(place, modes={"names-nobody": True})
    backend = place.open()
    with backend.lock(a_lock("apply"), timeout_s=0):
        server.control(place, faults=[{"verb": "update", "do": "cut-after"}])
        backend.append_journal(b"head|", after=0)
        assert "another run" in refusal(StateLocked, lambda: take(place.open())).message
        refusal(UnlockRefused, lambda: place.open().break_lock("x", breaking=Breaking.DEAD))
    assert place.open().read_journal() == b"head|"


def test_a_lock_that_goes_while_it_is_broken(server, place):
    """Its holder let go of it in between, which is no success."""
    info = a_lock("apply")
    with place.open().lock(info, timeout_s=0):
        server.control(place, faults=[{"verb": "unlock", "do": "answer", "status": 409}])
        error = refusal(
            UnlockRefused, lambda: place.open().break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
        )
    assert "no longer locked" in error.message


def test_a_refused_unlock_is_told(server, place):
    """Whoever may not break a lock is told so."""
    info = a_lock("apply")
    with place.open().lock(info, timeout_s=0):
        server.control(place, faults=[{"verb": "unlock", "do": "answer", "status": 405}])
        error = refusal(
            StateUnavailable, lambda: place.open().break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
        )
    assert "refuses to unlock" in error.message


LONG = {"who": "é" * 300, "host": "x" * 300, "command": "apply"}


def test_long_names_fit_into_a_lock_of_gitlab(server):
    """What does not fit into an ID of 255 characters is cut; the lock's own id never is."""
    info = replace(a_lock(), **LONG)
    place = server.place("gitlab")
    with place.open().lock(info, timeout_s=0):
        holder = place.open().lock_holder()
    assert holder.info.lock_id == info.lock_id
    assert "x" * 10 in holder.info.host


def test_conflicts_are_told_before_anything_is_sent(server, place):
    """A write that names a wrong version is no update at all."""
    place.open().write(b"one", replacing=None)
    before = verbs(server.control(place), "update")
    refusal(StateConflict, lambda: place.open().write(b"two", replacing=None))
    assert verbs(server.control(place), "update") == before


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
    error = refusal(StateUnavailable, open_store(secure, root=tmp_path).read)
    assert "certificate" in error.message
    assert "SSL_CERT_FILE" in error.hint
    for name, value in tls_material.trust_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert open_store(secure, root=tmp_path).read() is None


def test_authorities_that_cannot_be_read(secure, tmp_path, monkeypatch):
    """A certificate file that is not there is named before anything is sent."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    error = refusal(StateUnavailable, open_store(secure, root=tmp_path).read)
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
def test_a_proxy_that_cannot_be_used(tmp_path, monkeypatch, proxy):
    """It is named by its variable; its password is not."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = refusal(StateUnavailable, open_store("https://state.example/x", root=tmp_path).read)
    assert "HTTPS_PROXY" in error.message
    assert "hunter2" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    "no", ["fd07::/64", "[::1]", "10.0.0.0/8,,", "*.example.org", "<local>", "]", "Ren\udce9"]
)
def test_what_no_proxy_does_not_name_goes_through_the_proxy(tmp_path, monkeypatch, no):
    """Each of a state's addresses; what cannot be read of NO_PROXY is left out."""

    def converse(conversation):
        while conversation.read_head():
            conversation.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            conversation.received = b""

    with raw_server(converse) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("no_proxy", no)
        url = "http://state.example/x#allow-http=true&lock-address=http://lock.example/y"
        assert open_store(url, root=tmp_path).read() is None
        assert len(proxy.conversations) == 1
        refusal(StateUnavailable, open_store(url, root=tmp_path).lock_holder)
        assert len(proxy.conversations) == 2


def test_a_server_that_is_not_there(tmp_path):
    """It is tried for a while, then told."""
    with raw_server(absent) as raw:
        url = f"{raw.url}/state"
    error = refusal(StateUnavailable, open_store(url, root=tmp_path).read)
    assert f"cannot reach {url}: ConnectError" in error.message


def test_a_server_that_says_nothing():
    """Waiting for it is bounded by the option `timeout`."""
    with raw_server(lambda conversation: conversation.ended.wait(30)) as raw:
        wire = HttpClient(read_address(f"{raw.url}/state#timeout=1"))
        with pytest.raises(httpx.ReadTimeout):
            wire.send(HttpRequest(method="GET", url=f"{raw.url}/state", resend=Resend.ALLOWED))


def trickle(conversation):
    """Answer without end, a byte at a time."""
    if conversation.read_head():
        conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        conversation.trickle(b" ")


def test_a_server_that_trickles():
    """An answer has four times the time of a single wait, all in all."""
    with raw_server(trickle) as raw:
        wire = HttpClient(read_address(f"{raw.url}/state#timeout=1"))
        with pytest.raises(httpx.ReadTimeout, match="too long"):
            wire.send(HttpRequest(method="GET", url=f"{raw.url}/state", resend=Resend.ALLOWED))
