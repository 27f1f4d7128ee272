"""Object storage that is throttled, slow, down or lying: told plainly, nothing lost, nothing overwritten."""

import re
from concurrent.futures import ThreadPoolExecutor
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
    twice,
)
from memory_bucket import MemoryBucket, Objects

from reconciler.model.errors import OutcomeUnknown, StateConflict, StateDamaged, StateUnavailable
from reconciler.model.locks import LockInfo
from reconciler.state.initialising import initialise
from reconciler.stores.bucket import BucketStore, open_bucket
from reconciler.stores.bucket_errors import failure

SNAPSHOT = r"exams\.state\.json$"
PIECE = r"\.log/[^/]+/\d{8}$"
LIST = r"\?.*prefix="
BEFORE = (b"one", b"lock\nmore\n")
"""What `locked` makes."""
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
def opened(server, proxy, tmp_path):
    """Opens clients of a fresh key, by way of the proxy; a call is given up after a second."""
    url = server.url(port=proxy.port, more="&timeout=1")
    return lambda: open_bucket(url, root=tmp_path)


@pytest.fixture
def store(opened):
    """One of them."""
    return opened()


def refusal(kind, call):
    """The error of exactly this kind that `call` raises."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.type is kind
    assert caught.value.message
    assert caught.value.hint
    return caught.value


def spelled(error):
    """All that is said of `error`."""
    return f"{error.message} {error.hint}"


def spelled_id(part):
    """A case's part as part of the test's name: what is told, and nothing of what does it."""
    return part if isinstance(part, str) else ""


def content(store):
    """Snapshot and log."""
    stored = store.load()
    return stored.snapshot, stored.log


def locked(store):
    """A state at whose log a run works; its head."""
    head = store.replace(b"one", b"", at=None)
    head = store.append(b"lock\n", at=head)
    return store.append(b"more\n", at=head)


def refused(code):
    """Return the body of an answer with this error code."""
    return b"<Error><Code>%s</Code></Error>" % code


REFUSED = [
    (answering(403, refused(b"AccessDenied")), "lack a permission"),
    (answering(403, refused(b"SignatureDoesNotMatch")), "credentials were refused"),
    (answering(401), "credentials were refused"),
    (answering(413), "larger than the server takes"),
    (answering(301), "redirects elsewhere"),
    (answering(307, location="http://127.0.0.1:9/"), "redirects elsewhere"),
    (answering(501, refused(b"NotImplemented")), "conditional writes"),
    (answering(400, refused(b"InvalidArgument")), "failed with 400 InvalidArgument"),
]
BUSY = [
    (answering(503, refused(b"SlowDown"), Retry_After="1"), "too many"),
    (answering(429), "too many"),
]
UNSURE = [
    (answering(503), "overloaded"),
    (answering(500, b"<html>oops</html>"), "the server failed"),
    (slow(3), "did not answer in time"),
    (answering(408), "did not answer in time"),
    (cut_before, "broke off"),
]
KINDS = [
    *((*case, StateUnavailable, None) for case in REFUSED),
    *((*case, StateUnavailable, 0.0) for case in BUSY),
    *((*case, OutcomeUnknown, 0.0) for case in UNSURE),
    (sign_in_page, "not an object store", OutcomeUnknown, None),
]
FAILURES = [((fault, kind, retry_after_s), told) for fault, told, kind, retry_after_s in KINDS]


@pytest.mark.parametrize(("failure", "told"), FAILURES, ids=spelled_id)
def test_a_put_that_fails_is_told_and_changes_nothing(store, proxy, failure, told):
    """What failed, where, and what to do; nothing of the answer is quoted, and nothing is sent again.

    So is whether it was perhaps done, and whether another try may help.
    """
    fault, kind, retry_after_s = failure
    head = locked(store)
    proxy.heal()
    proxy.meet(fault, method="PUT")
    error = refusal(kind, lambda: store.append(b"lost\n", at=head))
    assert told in spelled(error)
    assert store.location in error.message
    assert error.retry_after_s == retry_after_s
    assert len(proxy.requests) == 1
    proxy.heal()
    assert content(store) == BEFORE


@pytest.mark.parametrize(("fault", "told"), BUSY + UNSURE, ids=spelled_id)
def test_a_get_that_fails_may_be_tried_again(store, proxy, fault, told):
    """Nothing can have been changed, whatever the answer is."""
    locked(store)
    proxy.meet(fault, method="GET")
    error = refusal(StateUnavailable, store.load)
    assert told in spelled(error)
    assert error.retry_after_s == 0


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
def test_what_is_not_plainly_absent_is_not_taken_for_absent(store, proxy, fault, told):
    """An empty state would create every exam again: only the store's own word for a missing object counts."""
    assert store.load() is None
    locked(store)
    for path in (SNAPSHOT, PIECE):
        proxy.heal()
        proxy.meet(fault, method="GET", path=path)
        assert told in spelled(refusal(StateUnavailable, store.load))


def test_nothing_of_an_answer_is_quoted(store, proxy):
    """Servers put access keys and what was signed into their errors."""
    body = b"<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>"
    proxy.meet(answering(403, body))
    error = refusal(StateUnavailable, store.load)
    assert "AKIDEXAMPLE" not in spelled(error)
    assert error.__cause__ is None


def test_a_missing_bucket_is_told(server, tmp_path):
    """By every call, and nothing is made in its place."""
    store = open_bucket(server.url(bucket="no-such-bucket"), root=tmp_path)
    for call in (store.load, store.backup, lambda: store.replace(b"x", b"", at=None)):
        error = refusal(StateUnavailable, call)
        assert "does not exist" in error.message
        assert "Create it" in error.hint


def test_a_server_that_is_not_there_is_told(server, tmp_path):
    """Nobody listens at the endpoint, so nothing can have been changed; it may be there in a moment."""
    store = open_bucket(server.url(port=1, more="&timeout=0.5"), root=tmp_path)
    for call in (store.load, lambda: store.replace(b"x", b"", at=None)):
        error = refusal(StateUnavailable, call)
        assert "cannot be reached" in error.message
        assert error.retry_after_s == 0


def test_without_credentials_it_is_said_where_they_are_looked_for(s3, tmp_path, monkeypatch):
    """No key in the environment, and no machine's role to be had."""
    for name in s3.variables:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    error = refusal(StateUnavailable, open_bucket(s3.url(more="&timeout=0.5"), root=tmp_path).load)
    assert "no credentials were found" in error.message
    assert object_servers.BUCKET in error.message


def test_half_a_name_in_an_error_is_not_taken_for_a_sign():
    """A message of the driver that nothing is known of is not shown, and a put was perhaps done."""
    error = failure("s3://b/k", "write", ValueError("who knows"))
    assert isinstance(error, OutcomeUnknown)
    assert error.message == "cannot write s3://b/k: the call failed"


CHANGES = {
    "append": lambda store, head: store.append(b"new\n", at=head),
    "replace": lambda store, head: store.replace(b"two", b"", at=head),
    "replace-with-log": lambda store, head: store.replace(b"two", b"new\n", at=head),
}
AFTER = {
    "append": (b"one", b"lock\nmore\nnew\n"),
    "replace": (b"two", b""),
    "replace-with-log": (b"two", b"new\n"),
}


@pytest.mark.parametrize("lost", [cut_after, failing_after(500), failing_after(503)])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_lost_answer_is_told_and_a_look_tells_what_became_of_it(store, proxy, lost, change, nth):
    """Any put of a change: the content is that of before or of after, and the change can be made there."""
    head = locked(store)
    proxy.heal()
    proxy.meet(lost, method="PUT", nth=nth, times=1)
    try:
        CHANGES[change](store, head)
    except OutcomeUnknown:
        is_commit = nth == {"append": 1, "replace": 2, "replace-with-log": 3}[change]
        assert content(store) == (AFTER[change] if is_commit else BEFORE)
        if not is_commit:
            CHANGES[change](store, store.load().head)
    assert content(store) == AFTER[change]


@pytest.mark.parametrize("change", CHANGES)
def test_a_put_that_arrives_twice_counts_once(store, proxy, change):
    """A proxy may send it again; what it answers is a conflict, and a look shows the change."""
    head = locked(store)
    proxy.meet(twice, method="PUT")
    refusal(StateConflict, lambda: CHANGES[change](store, head))
    proxy.heal()
    assert content(store) == AFTER[change]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("path", [PIECE, SNAPSHOT])
def test_a_put_that_arrives_late_is_seen_by_nobody(store, opened, proxy, change, path):
    """Its client was told that it may, and others have gone on: the first of a change, or its commit."""
    head, other = locked(store), opened()
    if change == "append" and path == SNAPSHOT:
        head = store.replace(b"one", b"", at=head)
    lost = Late()
    proxy.meet(lost, method="PUT", path=path, times=1)
    refusal(OutcomeUnknown, lambda: CHANGES[change](store, head))
    proxy.heal()
    head = other.load().head
    head = other.append(b"other\n", at=head)
    now = content(other)
    lost.arrive()
    assert content(other) == now
    head = other.append(b"last\n", at=head)
    head = other.replace(b"three", b"", at=head)
    assert content(opened()) == (b"three", b"")


def test_a_late_put_is_refused_although_the_same_bytes_are_there_again(store, proxy):
    """On S3 an e-tag tells the content alone: no two puts of the object have the same bytes."""
    head = store.replace(b"one", b"", at=None)
    lost = Late()
    proxy.meet(lost, method="PUT", path=SNAPSHOT, times=1)
    refusal(OutcomeUnknown, lambda: store.append(b"late\n", at=head))
    proxy.heal()
    head = store.append(b"lock\n", at=head)
    store.replace(b"one", b"", at=head)
    lost.arrive()
    assert content(store) == (b"one", b"")


@pytest.mark.parametrize("path", [PIECE, SNAPSHOT])
def test_a_replace_that_stops_half_way_changes_nothing(store, opened, proxy, path):
    """It has ended the log, or not even that; whoever comes next appends or replaces all the same."""
    head, other = locked(store), opened()
    before = other.load().head
    proxy.meet(cut_before, method="PUT", path=path)
    refusal(OutcomeUnknown, lambda: store.replace(b"lost", b"lost\n", at=head))
    proxy.heal()
    assert content(other) == BEFORE
    head = other.append(b"other\n", at=before)
    assert content(opened()) == (b"one", b"lock\nmore\nother\n")
    refusal(StateConflict, lambda: store.append(b"lost\n", at=before))
    other.replace(b"two", b"", at=head)
    assert content(opened()) == (b"two", b"")


@pytest.mark.parametrize("change", CHANGES)
def test_a_stale_head_changes_nothing(store, opened, change):
    """Heads of an earlier log, of an earlier number, at rest and of an ended log."""
    stale = [store.replace(b"one", b"", at=None)]
    stale.append(store.append(b"lock\n", at=stale[-1]))
    stale.append(store.append(b"more\n", at=stale[-1]))
    stale.append(store.replace(b"two", b"lock\n", at=stale[-1]))
    stale.append(store.replace(b"two", b"", at=stale[-1]))
    last = store.append(b"last\n", at=stale[-1])
    for head in stale:
        refusal(StateConflict, lambda head=head: CHANGES[change](opened(), head))
    refusal(StateConflict, lambda: store.replace(b"new", b"", at=None))
    assert store.load().head == last
    assert content(store) == (b"two", b"last\n")


@pytest.mark.parametrize("is_at_rest", [True, False])
def test_of_several_that_follow_one_head_one_succeeds(opened, is_at_rest):
    """Appends and replaces, in any order that the store sees them."""
    store = opened()
    head = store.replace(b"one", b"", at=None) if is_at_rest else locked(store)

    def change(number):
        try:
            if number % 2:
                return opened().append(b"%d\n" % number, at=head)
            return opened().replace(b"two", b"%d\n" % number, at=head)
        except StateConflict:
            return None

    with ThreadPoolExecutor() as pool:
        heads = list(pool.map(change, range(6)))
    (number,) = [number for number, made in enumerate(heads) if made]
    found = store.load()
    assert found.head == heads[number]
    assert found.log.endswith(b"%d\n" % number)


def test_a_state_that_cannot_be_replaced_is_found_by_the_first_append(store, proxy):
    """Objects can be made, but this one cannot be written: it is said before anything is sent."""
    head = store.replace(b"one", b"", at=None)
    proxy.meet(answering(403, refused(b"AccessDenied")), method="PUT", path=SNAPSHOT)
    error = refusal(StateUnavailable, lambda: store.append(b"lock\n", at=head))
    assert "lack a permission" in error.message
    assert store.load().head == head


def test_an_append_is_one_request_however_long_the_log(store, proxy):
    """And a reader asks for each object once."""
    head = locked(store)
    proxy.heal()
    for number in range(20):
        head = store.append(b"%03d\n" % number, at=head)
    assert [method for method, _ in proxy.requests] == ["PUT"] * 20
    proxy.heal()
    assert content(store)[1].endswith(b"018\n019\n")
    assert len(proxy.requests) == 1 + 1 + 22 + 1


def test_a_run_with_nothing_to_do_costs_few_requests(store, proxy):
    """Look, take the lock, look, release: what a run costs that has nothing to record."""
    store.replace(b"one", b"", at=None)
    proxy.heal()
    assert store.load()
    assert len(proxy.requests) == 1
    head = store.append(b"lock\n", at=store.load().head)
    store.replace(b"one", b"", at=head)
    assert len(proxy.requests) == 1 + 4 + 3


def test_a_listing_that_lies_hides_no_record(store, proxy, server):
    """A page that is no listing may read as an empty one: the log's end is asked for all the same."""
    locked(store)
    proxy.meet(answering(200, EMPTY[server.scheme]), method="GET", path=LIST)
    assert content(store) == BEFORE


def test_a_log_that_is_replaced_while_it_is_read_is_whole(store, opened, proxy):
    """A reader needs no lock: it sees the content of one moment."""
    head = locked(store)
    other = opened()

    def replaced_first(exchange):
        proxy.heal()
        other.replace(b"two", b"next\n", at=head)
        exchange.reply(exchange.forward())

    proxy.meet(replaced_first, method="GET", path=LIST, times=1)
    found = store.load()
    assert (found.snapshot, found.log) == BEFORE
    refusal(StateConflict, lambda: store.append(b"lost\n", at=found.head))
    assert content(store) == (b"two", b"next\n")


CONDITIONS = [
    pytest.param("s3", ("if-match",), id="s3-updates"),
    pytest.param("s3", ("if-none-match",), id="s3-creates"),
    pytest.param("s3", ("if-match", "if-none-match"), id="s3-both"),
    pytest.param("gs", ("x-goog-if-generation-match",), id="gs"),
]
"""On Azure the conditions are signed: a proxy cannot take them out."""


@pytest.mark.parametrize(("kind", "headers"), CONDITIONS)
def test_a_store_that_ignores_conditions_is_refused(request, tmp_path, kind, headers):
    """`init` finds it out."""
    server = request.getfixturevalue(kind)
    with FaultProxy(server.port) as proxy:
        store = open_bucket(server.url(port=proxy.port), root=tmp_path)
        proxy.meet(forgetting(*headers), method="PUT")
        error = refusal(StateUnavailable, lambda: initialise(store, lineage="l", lock=a_lock()))
        assert "not fit for state: it did not refuse" in error.message


def a_lock():
    """A lock of some run."""
    since = datetime(2031, 9, 1, tzinfo=UTC)
    return LockInfo(lock_id="0" * 32, who="somebody", host="runner", pid=42, since=since, command="init")


@pytest.mark.parametrize("removed", [1, 2])
def test_a_missing_part_of_the_log_is_told(store, removed):
    """Records behind it would be lost in silence otherwise."""
    locked(store)
    keys = [one.key for one in store._bucket.listing(store._folder)]
    store._bucket.remove([key for key in keys if removed == 1 or key.endswith("00000001")])
    error = refusal(StateDamaged, store.load)
    assert "is missing" in error.message
    assert store._folder in error.hint


@pytest.mark.parametrize("what", ["removed", "overwritten"])
def test_a_state_that_is_changed_by_hand_during_a_run_is_told(store, what):
    """Its log is still there, and is not forgotten."""
    head = locked(store)
    tag = store._bucket.get(store._key).tag
    store._bucket.remove([store._key])
    if what == "overwritten":
        store._bucket.put(store._key, b"by hand", replacing=None)
    error = refusal(StateDamaged, store.load)
    assert "by hand" in error.message
    assert "reconciler state restore" in error.hint
    refusal(StateConflict, lambda: store.replace(b"two", b"", at=head))
    assert tag


@pytest.mark.parametrize("what", ["removed", "overwritten"])
def test_a_state_that_is_changed_by_hand_at_rest_is_what_it_is_then(store, what):
    """An object that has no line of blanks is a state like any other."""
    store.replace(b"two", b"", at=locked(store))
    store._bucket.remove([store._key])
    if what == "removed":
        assert store.load() is None
        return
    store._bucket.put(store._key, b"by hand", replacing=None)
    assert content(store) == (b"by hand", b"")
    head = store.append(b"lock\n", at=store.load().head)
    assert content(store) == (b"by hand", b"lock\n")
    store.replace(b"three", b"", at=head)
    assert content(store) == (b"three", b"")


def test_a_backup_is_kept_with_the_next_replace(store, opened):
    """So a run that has lost the lock cannot replace a later backup by an older one."""
    head, other = locked(store), opened()
    assert store.backup() is None
    assert store.keep_backup(b"stale").endswith("exams.state.json.backup")
    assert other.keep_backup(b"fresh")
    other.replace(b"two", b"", at=head)
    refusal(StateConflict, lambda: store.replace(b"lost", b"", at=head))
    assert other.backup() == b"fresh"
    assert store.earlier("any") is None
    assert not store.has_ended("any")


def test_a_refused_change_leaves_no_log_that_looks_like_a_run(store):
    """A state that is removed by hand right after `init` is absent, and not damaged."""
    initialise(store, lineage="l", lock=a_lock())
    refusal(StateConflict, lambda: store.replace(b"two", b"lock\n", at=None))
    store._bucket.remove([store._key])
    assert store.load() is None


def test_the_log_of_a_run_is_told_from_what_a_killed_one_left(objects):
    """Both are open, and the state was removed: the run has sent something, the other one has not."""
    store, other = in_memory(objects), in_memory(objects)
    head = store.replace(b"one", b"", at=None)
    seen = other.load().head
    head = store.append(b"lock\nintent\n", at=head)
    head = store.append(b"created\n", at=head)
    other._bucket.fates = ["fine", "before"]
    refusal(StateUnavailable, lambda: other.replace(b"one", b"lock\n", at=seen))
    del objects.held["k"]
    error = refusal(StateDamaged, other.load)
    assert error.log == b"lock\nintent\ncreated\n"
    other.replace(b"restored", b"", at=error.head)
    refusal(StateConflict, lambda: store.append(b"late\n", at=head))


def test_a_removed_state_whose_log_lacks_a_part_is_not_restored(objects):
    """What is missing would be forgotten."""
    store = in_memory(objects)
    store.append(b"more\n", at=store.replace(b"one", b"lock\n", at=None))
    (first,) = [key for key in objects.held if key.endswith("/00000001")]
    del objects.held[first], objects.held["k"]
    error = refusal(StateDamaged, store.load)
    assert "is missing" in error.message
    assert error.log is None


@pytest.fixture
def objects():
    """A bucket in memory."""
    return Objects()


def in_memory(objects):
    """A client of it."""
    return BucketStore(MemoryBucket(objects), key="k")


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_a_paused_run_does_not_replace_a_later_backup(objects, calls):
    """It was about to end the log, to read the backup, to look at the state, or to put the backup."""
    store, other = in_memory(objects), in_memory(objects)
    head = locked(store)
    store.keep_backup(b"stale")
    other.keep_backup(b"fresh")
    store._bucket.fates = ["fine"] * calls + [lambda: other.replace(b"two", b"", at=head)]
    refusal(StateConflict, lambda: store.replace(b"lost", b"", at=head))
    assert other.backup() == b"fresh"
    assert content(other) == (b"two", b"")


def test_old_logs_are_kept_for_seven_days(objects):
    """By the store's own clock, which is that of the last object changed."""
    store = in_memory(objects)
    head = store.replace(b"one", b"lock\n", at=None)
    head = store.replace(b"two", b"", at=head)
    first = {key for key in objects.held if key.startswith("k.log/")}
    for days, kept in [(5, True), (3, False)]:
        objects.now += timedelta(days=days)
        head = store.append(b"lock\n", at=head)
        head = store.replace(b"two", b"", at=head)
        assert (first <= set(objects.held)) is kept
    assert all(re.fullmatch(r"k|k\.journal/.*|k\.log/[0-9a-f]{16}/0000000[12]", key) for key in objects.held)


def test_what_is_not_a_log_is_never_removed(objects):
    """Other objects may be kept below it."""
    store = in_memory(objects)
    store._bucket.put("k.log/notes", b"mine", replacing=None)
    store._bucket.put("k.log/0123456789abcdef/notes", b"mine", replacing=None)
    objects.now += timedelta(days=30)
    store.replace(b"two", b"", at=store.replace(b"one", b"lock\n", at=None))
    assert {"k.log/notes", "k.log/0123456789abcdef/notes"} <= set(objects.held)


def test_a_log_that_ended_long_ago_takes_no_append(objects):
    """A run was killed in `replace`; who looks a week later does not append there, for it may be removed."""
    store = in_memory(objects)
    head = store.replace(b"one", b"lock\n", at=None)
    store._bucket.fates = ["fine", "before"]
    refusal(StateUnavailable, lambda: store.replace(b"two", b"", at=head))
    objects.now += timedelta(days=8)
    slow_one, other = in_memory(objects), in_memory(objects)
    seen = slow_one.load().head
    head = other.replace(b"two", b"lock\n", at=other.load().head)
    other.replace(b"two", b"", at=head)
    assert len([key for key in objects.held if key.startswith("k.log/")]) == 2
    refusal(StateConflict, lambda: slow_one.append(b"broken\n", at=seen))
    assert content(other) == (b"two", b"")


def test_a_reader_of_a_log_that_is_removed_reads_again(objects):
    """It was so slow that seven days went by."""
    store, reader = in_memory(objects), in_memory(objects)
    head = store.replace(b"one", b"lock\n", at=None)

    def a_week():
        last = store.replace(b"two", b"", at=head)
        objects.now += timedelta(days=8)
        last = store.append(b"next\n", at=last)
        store.replace(b"three", b"", at=last)

    reader._bucket.fates = ["fine", a_week]
    assert content(reader) == (b"three", b"")
