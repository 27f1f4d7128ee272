"""Object storage that is throttled, slow, down or lying: told plainly, nothing lost, nothing overwritten."""

import re
import threading
from datetime import UTC, datetime, timedelta

import object_servers
import pytest
from fault_proxy import (
    FaultProxy,
    Late,
    answering,
    cut_after,
    cut_before,
    failing_after,
    forgetting,
    sign_in_page,
    slow,
)

from reconciler.model.errors import StateConflict, StateLocked, StateUnavailable, UnlockRefused
from reconciler.ports import Breaking, LockHandover
from reconciler.stores.conformance import Place, a_lock, refusal, settled
from reconciler.stores.object_calls import Listed
from reconciler.stores.object_journal import _spared
from reconciler.stores.opening import open_store

SNAPSHOT = r"exams\.state\.json$"
LOCK = r"exams\.state\.json\.lock$"
HEAD = r"\.journal/head$"
SEGMENT = r"\.journal/[^/]+/\d{16}$"
LIST = r"\?.*prefix="
EMPTY = {
    "s3": b"<ListBucketResult></ListBucketResult>",
    "az": b"<EnumerationResults><Blobs></Blobs><NextMarker></NextMarker></EnumerationResults>",
}
"""Listings in which nothing is listed."""


@pytest.fixture(params=["s3", "az"])
def server(request):
    """A server of each kind whose answers carry e-tags."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def proxy(server):
    """What stands in between."""
    with FaultProxy(server.port) as opened:
        yield opened


@pytest.fixture
def place(server, proxy, tmp_path):
    """A fresh key, by way of the proxy; a call is given up after a second and a third."""
    return Place(url=server.url(port=proxy.port, more="&timeout=1"), root=tmp_path)


def spelled_id(part):
    """A case's part as part of the test's name: what is told, and nothing of what does it."""
    return part if isinstance(part, str) else ""


def spelled(error):
    """All that is said of `error`."""
    return f"{error.message} {error.hint}"


THROTTLED = [
    pytest.param(answering(503, b"<Error><Code>SlowDown</Code></Error>", Retry_After="1"), id="503"),
    pytest.param(answering(429, Retry_After="1"), id="429"),
    pytest.param(answering(500, b"<html>oops</html>"), id="500"),
]


@pytest.mark.parametrize("fault", THROTTLED)
def test_a_store_that_refuses_for_a_moment_is_asked_again(place, proxy, fault):
    """A few refusals of each kind of call delay a run, and no more."""
    for method in ("GET", "PUT"):
        proxy.meet(fault, method=method, nth=2, times=2)
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.write(b"one", replacing=None)
        backend.append_journal(b"head|", after=0)
        backend.append_journal(b"more|", after=5)
        assert backend.read_journal() == b"head|more|"
    assert backend.lock_holder() is None


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (answering(503, b"<Error><Code>SlowDown</Code></Error>"), "too many"),
        (answering(500), "the server failed"),
        (slow(3), "did not answer in time"),
        (cut_before, "broke off"),
        (answering(403, b"<Error><Code>AccessDenied</Code></Error>"), "lack a permission"),
        (answering(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"), "credentials were refused"),
        (answering(401), "credentials were refused"),
        (answering(413), "larger than the server takes"),
        (answering(301), "redirects elsewhere"),
        (answering(307, location="http://127.0.0.1:9/"), "redirects elsewhere"),
        (answering(501, b"<Error><Code>NotImplemented</Code></Error>"), "conditional writes"),
        (answering(400, b"<Error><Code>InvalidArgument</Code></Error>"), "failed with 400 InvalidArgument"),
        (sign_in_page, "not an object store"),
    ],
    ids=spelled_id,
)
def test_a_write_that_fails_is_told_and_changes_nothing(place, proxy, fault, told):
    """What failed, where, and what to do; nothing of the answer is quoted."""
    backend = place.open()
    one = backend.write(b"one", replacing=None)
    proxy.meet(fault, method="PUT")
    error = refusal(StateUnavailable, lambda: backend.write(b"two", replacing=one))
    assert told in spelled(error)
    assert place.url in error.message
    proxy.heal()
    found = backend.read()
    assert (found.data, found.version) == (b"one", one)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (answering(404), "failed with 404"),
        (answering(404, b"<html>not here</html>"), "failed with 404"),
        (answering(404, b"<Error><Code>NoSuchBucket</Code></Error>"), "bucket or container does not exist"),
        (answering(404, b"<Error><Code>ContainerNotFound</Code></Error>"), "container does not exist"),
        (answering(200, b"x", content_type="text/html", etag='"x"'), "not an object store"),
        (sign_in_page, "not an object store"),
    ],
    ids=spelled_id,
)
def test_what_is_not_plainly_absent_is_not_taken_for_absent(place, proxy, fault, told):
    """An empty state would create every exam again: only the store's own word for a missing object counts."""
    backend = place.open()
    proxy.meet(fault, method="GET")
    for look in (backend.read, backend.read_journal, backend.lock_holder):
        assert told in spelled(refusal(StateUnavailable, look))


def test_nothing_of_an_answer_is_quoted(place, proxy):
    """Servers put access keys and what was signed into their errors."""
    body = b"<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>"
    proxy.meet(answering(403, body))
    error = refusal(StateUnavailable, place.open().read)
    assert "AKIDEXAMPLE" not in spelled(error)
    assert error.__cause__ is None


def test_a_missing_bucket_is_told(server, tmp_path):
    """By every call, and nothing is made in its place."""
    backend = open_store(server.url(bucket="no-such-bucket"), root=tmp_path)
    for call in (backend.read, backend.lock_holder, lambda: backend.write(b"x", replacing=None)):
        error = refusal(StateUnavailable, call)
        assert "does not exist" in error.message
        assert "Create it" in error.hint


def test_a_server_that_is_not_there_is_told(server, tmp_path):
    """Nobody listens at the endpoint."""
    backend = open_store(server.url(port=1, more="&timeout=0.5"), root=tmp_path)
    assert "cannot be reached" in refusal(StateUnavailable, backend.read).message


def lose(proxy, path):
    """The next put at `path`, which reaches the store when it is told to; none that repeats it does."""
    lost = Late()
    proxy.meet(lost, method="PUT", path=path, times=1)
    proxy.meet(cut_before, method="PUT", path=path, nth=2)
    return lost


LOST = [
    pytest.param(cut_after, id="cut"),
    pytest.param(failing_after(500), id="500"),
    pytest.param(failing_after(503), id="503"),
]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("path", [SNAPSHOT, LOCK, HEAD, SEGMENT])
def test_a_put_whose_answer_is_lost_counts_once(place, proxy, lost, path):
    """What the store did is found, though it refuses to do it again."""
    proxy.meet(lost, method="PUT", path=path, nth=1, times=1)
    proxy.meet(lost, method="PUT", path=path, nth=2, times=1)
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        one = backend.write(b"one", replacing=None)
        backend.append_journal(b"head|", after=0)
        backend.append_journal(b"more|", after=5)
        assert place.open().read_journal() == b"head|more|"
        backend.write(b"two", replacing=one)
        backend.clear_journal()
    assert place.open().lock_holder() is None
    assert place.open().read().data == b"two"
    assert place.open().read_journal() == b""


def test_a_put_that_is_never_answered_is_looked_up(place, proxy):
    """All tries at it end with an error, and the object is there all the same."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        proxy.meet(failing_after(500), method="PUT", path=SEGMENT)
        backend.append_journal(b"head|", after=0)
        assert place.open().read_journal() == b"head|"


def test_a_batch_after_one_of_unknown_outcome_takes_its_place(place, proxy):
    """The store did it, nobody could see that, and the next batch goes to the same place."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        proxy.meet(cut_after, method="PUT", path=SEGMENT)
        proxy.meet(cut_before, method="GET")
        refusal(StateUnavailable, lambda: backend.append_journal(b"unknown|", after=5))
        proxy.heal()
        backend.append_journal(b"next|", after=5)
        backend.append_journal(b"last|", after=10)
        assert place.open().read_journal() == b"head|next|last|"


def test_a_batch_after_one_of_unknown_outcome_may_be_the_same(place, proxy):
    """Then it is there already, and there is nothing to be done."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        proxy.meet(cut_after, method="PUT", path=SEGMENT)
        proxy.meet(cut_before, method="GET")
        refusal(StateUnavailable, lambda: backend.append_journal(b"same|", after=5))
        proxy.heal()
        backend.append_journal(b"same|", after=5)
        assert [method for method, path in proxy.requests if re.search(SEGMENT, path)] == ["PUT", "GET"]
        assert place.open().read_journal() == b"head|same|"


def test_a_batch_is_not_found_in_a_generation_that_is_perhaps_replaced(place, proxy):
    """One of unknown outcome, one whose generation is still on its way, then the first one again."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        proxy.meet(cut_after, method="PUT", path=SEGMENT)
        proxy.meet(cut_before, method="GET")
        refusal(StateUnavailable, lambda: backend.append_journal(b"one|", after=5))
        proxy.heal()
        lost = lose(proxy, HEAD)
        refusal(StateUnavailable, lambda: backend.append_journal(b"two|", after=5))
        proxy.heal()
        backend.append_journal(b"one|", after=5)
        lost.arrive()
        assert place.open().read_journal() == b"head|one|"


@pytest.mark.parametrize("arrival", ["before the second try", "after it"])
@pytest.mark.parametrize("after", [0, 5])
def test_a_journal_whose_beginning_has_an_unknown_outcome_is_begun_anew(place, proxy, after, arrival):
    """Whether the head was swapped or not, and whenever that is done, the second try counts."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        backend.append_journal(b"torn|", after=5)
        lost = lose(proxy, HEAD)
        refusal(StateUnavailable, lambda: backend.append_journal(b"lost|", after=after))
        proxy.heal()
        if arrival == "before the second try":
            lost.arrive()
        backend.append_journal(b"next|", after=after)
        if arrival == "after it":
            lost.arrive()
        backend.append_journal(b"last|", after=after + 5)
        assert place.open().read_journal() == b"head|"[:after] + b"next|last|"


def test_a_journal_whose_beginning_arrives_after_it_was_emptied_stays_empty(place, proxy):
    """It is emptied although nobody knows whether there is one."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        lost = lose(proxy, HEAD)
        refusal(StateUnavailable, lambda: backend.append_journal(b"lost|", after=0))
        proxy.heal()
        backend.clear_journal()
        lost.arrive()
        assert place.open().read_journal() == b""


def test_a_snapshot_that_arrives_late_is_refused(place, proxy):
    """Its writer could not know; who takes the lock next is told to write anew, and then it is too late."""
    backend, other = place.open(), place.open()
    with backend.lock(a_lock(), timeout_s=0):
        one = backend.write(b"one", replacing=None)
        lost = lose(proxy, SNAPSHOT)
        refusal(StateUnavailable, lambda: backend.write(b"late", replacing=one))
        proxy.heal()
    with other.lock(a_lock(), timeout_s=0) as handover:
        assert handover is LockHandover.FORCED
        two = other.write(b"two", replacing=one)
        lost.arrive()
        found = other.read()
        assert (found.data, found.version) == (b"two", two)
    with other.lock(a_lock(), timeout_s=0) as handover:
        assert handover is LockHandover.ORDERLY


def test_a_warning_stays_until_the_snapshot_was_written_anew(place):
    """A holder that is told, and then fails, leaves the next one told as well."""
    backend = place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        place.open().break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
    for _ in range(2):
        with backend.lock(a_lock(), timeout_s=0) as handover:
            assert handover is LockHandover.FORCED
    with settled(backend):
        pass
    with backend.lock(a_lock(), timeout_s=0) as handover:
        assert handover is LockHandover.ORDERLY


def test_a_batch_that_arrives_late_is_seen_by_nobody(place, proxy):
    """Its writer said that it failed, and the journal has gone on without it."""
    backend, other = place.open(), place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.write(b"one", replacing=None)
        backend.append_journal(b"head|", after=0)
        lost = lose(proxy, SEGMENT)
        refusal(StateUnavailable, lambda: backend.append_journal(b"late|", after=5))
        proxy.heal()
    with settled(other):
        assert other.read_journal() == b"head|"
        lost.arrive()
        assert other.read_journal() == b"head|"
        other.clear_journal()
        other.append_journal(b"new|", after=0)
        assert place.open().read_journal() == b"new|"


def test_who_took_the_lock_without_knowing_finds_it_its_own(place, proxy):
    """The answer to a put of the lock was lost, and so was every look at it: `unlock` is the way on."""
    proxy.meet(cut_after, method="PUT", path=LOCK)
    proxy.meet(cut_before, method="GET", path=LOCK, nth=2)
    info = a_lock()
    refusal(StateUnavailable, lambda: place.open().lock(info, timeout_s=0).__enter__())
    proxy.heal()
    assert place.open().lock_holder().info == info
    place.open().break_lock(info.lock_id, breaking=Breaking.DEAD)
    with settled(place.open()):
        pass


def test_a_lock_that_cannot_be_let_go_of_does_not_hide_how_the_run_ended(place, proxy):
    """The lock stays, and the next run is told by whom and how to break it."""
    backend = place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        proxy.meet(answering(503), method="PUT")
    proxy.heal()
    error = refusal(StateLocked, lambda: backend.lock(a_lock(), timeout_s=0).__enter__())
    assert f"unlock {info.lock_id}" in error.hint


def test_a_lock_removed_by_hand_does_not_let_two_runs_record(place):
    """The second fences the journal of the first, which is told, and sees all that it was told is durable."""
    first, second = place.open(), place.open()
    with first.lock(a_lock(), timeout_s=0):
        first.write(b"one", replacing=None)
        first.append_journal(b"head|", after=0)
        first.append_journal(b"more|", after=5)
        first._bucket.remove([first._lock._key])
        with second.lock(a_lock(), timeout_s=0) as handover:
            assert handover is LockHandover.FORCED
            refusal(StateUnavailable, lambda: first.append_journal(b"lost|", after=10))
            refusal(StateUnavailable, lambda: first.append_journal(b"lost|", after=0))
            assert second.read_journal() == b"head|more|"


def test_a_lock_removed_by_hand_lets_one_run_begin_a_journal(place):
    """Before there is a journal, the first of two that begins one is the one that goes on."""
    first, second = place.open(), place.open()
    with first.lock(a_lock(), timeout_s=0):
        first._bucket.remove([first._lock._key])
        with second.lock(a_lock(), timeout_s=0):
            second.append_journal(b"mine|", after=0)
            refusal(StateUnavailable, lambda: first.append_journal(b"lost|", after=0))
            assert second.read_journal() == b"mine|"


def test_a_run_that_goes_on_notices_a_broken_lock_in_time(place, monkeypatch):
    """It looks now and then, so that who fences its journal need not run after it for ever."""
    monkeypatch.setattr("reconciler.stores.object_journal._CHECK_EVERY_S", 0.0)
    backend, other = place.open(), place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        backend.append_journal(b"head|", after=0)
        other._lock.break_(info.lock_id, breaking=Breaking.EVEN_LIVE)
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"x", after=5))
        assert "taken away" in error.message


def test_an_append_is_one_request_however_long_the_journal(place, proxy):
    """Apart from a look at the lock now and then."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        proxy.heal()
        for number in range(20):
            backend.append_journal(b"%03d|" % number, after=5 + 4 * number)
        puts = [method for method, path in proxy.requests if not re.search(LOCK, path)]
        assert puts == ["PUT"] * 20


def test_a_run_over_an_empty_journal_costs_few_requests(place, proxy):
    """Lock, look, write, let go: what a run costs that has nothing to record."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.read_journal()
        backend.read()
        backend.write(b"one", replacing=None)
        backend.clear_journal()
    assert len(proxy.requests) == 10


CONDITIONS = [
    pytest.param("s3", ("if-match",), id="s3-updates"),
    pytest.param("s3", ("if-none-match",), id="s3-creates"),
    pytest.param("s3", ("if-match", "if-none-match"), id="s3-both"),
    pytest.param("gs", ("x-goog-if-generation-match",), id="gs"),
]
"""On Azure the conditions are signed: a proxy cannot take them out."""


@pytest.mark.parametrize(("kind", "headers"), CONDITIONS)
def test_a_store_that_ignores_conditions_is_refused(request, tmp_path, kind, headers):
    """`init` tries it out, and leaves nothing of the trial."""
    server = request.getfixturevalue(kind)
    with FaultProxy(server.port) as proxy:
        backend = open_store(server.url(port=proxy.port, more="&timeout=1"), root=tmp_path)
        proxy.meet(forgetting(*headers), method="PUT")
        error = refusal(StateUnavailable, backend.prove_conditional_writes)
        assert "not fit for state" in error.message
        assert "ignores conditions" in error.message
        assert backend._bucket.listing(f"{backend._key}.proof") == []


def test_a_store_that_refuses_all_conditions_is_refused(place, proxy):
    """It would never take a write, and says so at once."""
    proxy.meet(answering(412), method="PUT")
    error = refusal(StateUnavailable, place.open().prove_conditional_writes)
    assert "whose condition holds" in error.message


def test_a_store_whose_listings_lag_is_refused(place, proxy, server):
    """The journal is found by listings."""
    proxy.meet(answering(200, EMPTY[server.scheme]), method="GET", path=LIST)
    error = refusal(StateUnavailable, place.open().prove_conditional_writes)
    assert "does not list" in error.message


def test_a_listing_that_lies_hides_no_record(place, proxy, server):
    """A page that is no listing may read as an empty one: the journal's end is asked for all the same."""
    backend = place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        backend.append_journal(b"head|", after=0)
        backend.append_journal(b"more|", after=5)
        proxy.meet(answering(200, EMPTY[server.scheme]), method="GET", path=LIST)
        assert place.open().read_journal() == b"head|more|"
        assert backend.read_journal() == b"head|more|"
        place.open().break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
        assert place.open().read_journal() == b"head|more|"
        refusal(StateUnavailable, lambda: backend.append_journal(b"lost|", after=10))


def test_a_journal_that_is_emptied_while_it_is_read_is_read_again(place, proxy, server):
    """A reader needs no lock: what it found half removed was not the journal any more."""
    direct = Place(url=place.url.replace(str(proxy.port), str(server.port)), root=place.root)
    holder = direct.open()
    with holder.lock(a_lock(), timeout_s=0):
        holder.append_journal(b"head|", after=0)
        holder.append_journal(b"more|", after=5)

        def emptied_first(exchange):
            holder.clear_journal()
            exchange.reply(exchange.forward())

        proxy.meet(emptied_first, method="GET", path=LIST, times=1)
        assert place.open().read_journal() == b""


@pytest.mark.parametrize("removed", [0, 5])
def test_a_missing_segment_is_told(place, removed):
    """Records behind it would be lost in silence otherwise; nothing can be fenced there either."""
    backend = place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        backend.append_journal(b"head|", after=0)
        for number in range(3):
            backend.append_journal(b"more|", after=5 + 5 * number)
        keys = [one.key for one in backend._bucket.listing(backend._journal.folder)]
        backend._bucket.remove([key for key in keys if key.endswith(f"{removed:016}")])
        assert "is missing" in refusal(StateUnavailable, place.open().read_journal).message
        other = place.open()
        error = refusal(StateUnavailable, lambda: other.break_lock(info.lock_id, breaking=Breaking.DEAD))
        assert "is missing" in error.message


def test_foreign_objects_are_left_alone(place):
    """A lock and a journal's head that are none of ours keep others out, and stay as they are."""
    backend = place.open()
    backend._bucket.put(backend._lock._key, b"nonsense", replacing=None)
    assert backend.lock_holder().info is None
    refusal(StateLocked, lambda: backend.lock(a_lock(), timeout_s=0).__enter__())
    error = refusal(UnlockRefused, lambda: backend.break_lock("any", breaking=Breaking.EVEN_LIVE))
    assert backend._lock._key in error.message
    other = Place(url=place.url.replace("exams.state.json", "other.json"), root=place.root).open()
    other._bucket.put(other._journal._key, b"[]", replacing=None)
    error = refusal(StateUnavailable, other.read_journal)
    assert "was not written by reconciler" in error.message
    refusal(StateUnavailable, lambda: other.lock(a_lock(), timeout_s=0).__enter__())
    assert other.lock_holder() is None


def test_a_foreign_segment_is_told(place):
    """What stands in the journal's place is not taken for a record."""
    backend = place.open()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        segment = next(
            one.key for one in backend._bucket.listing(backend._journal.folder) if one.size_bytes == 66
        )
        backend._bucket.put(segment[:-1] + "5", b"<html>" + b"x" * 100, replacing=None)
        assert "was not written by reconciler" in refusal(StateUnavailable, place.open().read_journal).message


def test_a_cleared_journal_leaves_no_segments(place):
    """Those of killed runs included; but a fenced journal stays for some days."""
    backend = place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        for _ in range(3):
            backend.append_journal(b"head|", after=0)
            backend.append_journal(b"more|", after=5)
        backend.clear_journal()
        assert _left(backend) == 0
        backend.append_journal(b"head|", after=0)
        place.open().break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
    with settled(backend):
        backend.clear_journal()
        assert _left(backend) == 2
        refusal(StateConflict, lambda: backend.write(b"x", replacing=None))


def test_a_fence_is_spared_for_seven_days():
    """By the store's own clock, which is that of the last object changed."""
    now = datetime(2031, 9, 1, tzinfo=UTC)

    def listed(key, size_bytes, days):
        return Listed(key=f"k.journal/{key}", size_bytes=size_bytes, changed_at=now - timedelta(days=days))

    old, young = listed("old/0000000000000005", 61, 8), listed("young/0000000000000005", 61, 6)
    others = [
        listed("head", 90, 0),
        listed("old/0000000000000000", 66, 9),
        listed("other/0000000000000000", 66, 1),
    ]
    assert _spared([old, young, *others]) == {"young"}
    assert _spared([]) == set()


def _left(backend):
    """How many segments are there."""
    return sum(bool(re.search(SEGMENT, one.key)) for one in backend._bucket.listing(backend._journal.folder))


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_backup_of_who_lost_the_lock_does_not_replace_a_later_one(place, proxy, method):
    """It was about to be put when the lock was broken and another put its own."""
    backend, other = place.open(), place.open()
    info = a_lock()
    with backend.lock(info, timeout_s=0):
        held = threading.Event()
        arrives = threading.Event()

        def holding(exchange):
            held.set()
            arrives.wait(10)
            exchange.reply(exchange.forward())

        proxy.meet(holding, method=method, path=r"\.backup$", times=1)
        refused = []
        thread = threading.Thread(
            target=lambda: refused.append(refusal(StateUnavailable, lambda: backend.back_up(b"stale")))
        )
        thread.start()
        held.wait(10)
        other.break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
        with other.lock(a_lock(), timeout_s=0):
            other.back_up(b"fresh")
            arrives.set()
            thread.join()
    assert len(refused) == 1
    assert other._bucket.get(f"{other._key}.backup").data == b"fresh"


def test_without_credentials_it_is_said_where_they_are_looked_for(s3, tmp_path, monkeypatch):
    """No key in the environment, and no machine's role to be had."""
    for name in s3.variables:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    error = refusal(StateUnavailable, open_store(s3.url(more="&timeout=0.5"), root=tmp_path).read)
    assert "no credentials were found" in error.message
    assert object_servers.BUCKET in error.message
