"""What earlier versions left in a bucket is read once, and nothing is written while one of them may run."""

import json

import pytest
from memory_bucket import MemoryBucket, Objects

from reconciler.model.errors import StateConflict, StateDamaged, StateLocked
from reconciler.stores.bucket import BucketStore

HOLDER = {
    "lockId": "0123456789abcdef0123456789abcdef",
    "who": "somebody",
    "host": "run\u001bner",
    "pid": 42,
    "since": "2031-09-01T00:00:00Z",
    "command": "apply",
}


LATER = b'2c1cb152 {"formatVersion":3,"number":0,"type":"journal"}\n'
"""What earlier versions refuse by its version."""


class Old:
    """A state as an earlier version kept it."""

    def __init__(self):
        self.objects = Objects()
        self.put("k", b"one")
        self.lock("released")

    def put(self, key, data):
        """Put an object."""
        self.objects.held[key] = (data, self.objects.now)

    def lock(self, phase, holder=HOLDER):
        """Put the lock."""
        self.put("k.lock", json.dumps({"lock": phase, "token": "t", **holder}).encode())

    def begin(self, *parts):
        """Put a journal of these parts."""
        self.put("k.journal/head", b'{"generation": "g-00000001", "token": "t"}\n')
        size = 0
        for number, part in enumerate(parts):
            header = b"reconciler segment %s %08d\n" % (b"0" * 32, number)
            assert len(header) == 61
            self.put(f"k.journal/g-00000001/{size:016}", header + part)
            size += len(part)

    def store(self):
        """A client of this version."""
        return BucketStore(MemoryBucket(self.objects), key="k")

    def seen(self):
        """What an earlier version sees beside the snapshot: its journal, and whether there is a lock."""
        generation = json.loads(self.objects.held["k.journal/head"][0])["generation"]
        journal = self.objects.held[f"k.journal/{generation}/{0:016}"][0]
        assert {key for key in self.objects.held if key.startswith("k.journal/")} == {
            "k.journal/head",
            f"k.journal/{generation}/{0:016}",
        }
        return journal[61:], "k.lock" in self.objects.held


@pytest.fixture
def old():
    """Such a state."""
    return Old()


@pytest.mark.parametrize("is_fenced", [True, False])
def test_a_journal_is_read_and_folded_once(old, is_fenced):
    """All its segments, up to the fence; then nothing of it is left."""
    old.begin(b"head\n", b"intent\n", b"created\n", *([b""] if is_fenced else []))
    store = old.store()
    stored = store.load()
    assert (stored.snapshot, stored.log) == (b"one", b"head\nintent\ncreated\n")
    store.replace(b"two", b"", at=stored.head)
    assert old.seen() == (LATER, False)
    stored = old.store().load()
    assert (stored.snapshot, stored.log) == (b"two", b"")


@pytest.mark.parametrize("head", [None, b'{"generation": null, "token": "t"}\n'])
def test_a_state_at_rest_is_taken_over_by_the_first_append(old, head):
    """It had a journal once, or never one."""
    if head is not None:
        old.put("k.journal/head", head)
    store = old.store()
    stored = store.load()
    assert (stored.snapshot, stored.log) == (b"one", b"")
    store.append(b"lock\n", at=stored.head)
    assert old.seen() == (LATER, False)
    stored = old.store().load()
    assert (stored.snapshot, stored.log) == (b"one", b"lock\n")


def test_nothing_is_written_while_an_earlier_version_holds_the_lock(old):
    """It can be read; and who holds the lock is said, and what to remove once it has ended."""
    old.lock("held")
    store = old.store()
    head = store.load().head
    before = dict(old.objects.held)
    for change in (
        lambda: store.append(b"x\n", at=head),
        lambda: store.replace(b"two", b"", at=head),
        lambda: store.replace(b"two", b"x\n", at=head),
    ):
        with pytest.raises(StateLocked) as caught:
            change()
        assert "an earlier version" in caught.value.message
        assert "somebody on run\N{REPLACEMENT CHARACTER}ner" in caught.value.message
        assert "remove the object k.lock" in caught.value.hint
    assert old.objects.held == before
    del old.objects.held["k.lock"]
    store.replace(b"two", b"", at=head)


@pytest.mark.parametrize("lock", [b"nonsense", b"[]", b'{"lock": "held"}', b'{"lock": "held", "pid": []}'])
def test_a_lock_that_is_not_understood_is_one(old, lock):
    """Somebody may hold it."""
    old.put("k.lock", lock)
    store = old.store()
    with pytest.raises(StateLocked, match="does not say who"):
        store.replace(b"two", b"", at=store.load().head)


def test_what_an_earlier_version_recorded_since_is_not_overwritten(old):
    """It took the lock and was killed between a look and a change, and somebody has broken its lock."""
    store = old.store()
    head = store.load().head
    old.begin(b"head\n", b"intent\n")
    old.lock("broken")
    with pytest.raises(StateConflict):
        store.replace(b"two", b"", at=head)
    with pytest.raises(StateConflict):
        store.append(b"lock\n", at=head)
    assert store.load().log == b"head\nintent\n"


@pytest.mark.parametrize("missing", [0, 5])
def test_a_missing_segment_is_told(old, missing):
    """What is behind it would be lost in silence otherwise."""
    old.begin(b"head\n", b"intent\n", b"created\n")
    del old.objects.held[f"k.journal/g-00000001/{missing:016}"]
    with pytest.raises(StateDamaged, match="is missing"):
        old.store().load()


@pytest.mark.parametrize("head", [b"nonsense", b"[]", b"{}", b"[" * 100_000])
def test_a_head_that_is_not_understood_is_told(old, head):
    """It may name a journal."""
    old.put("k.journal/head", head)
    with pytest.raises(StateDamaged):
        old.store().load()


def test_a_journal_without_a_state_is_told(old):
    """Somebody removed the state, which would otherwise be taken for absent; it can be restored."""
    old.begin(b"head\n", b"intent\n")
    del old.objects.held["k"]
    store = old.store()
    with pytest.raises(StateDamaged, match="removed or overwritten by hand") as caught:
        store.load()
    assert "k.journal" in caught.value.message
    assert "reconciler state restore" in caught.value.hint
    assert (caught.value.log, caught.value.head) == (b"head\nintent\n", None)
    old.lock("held")
    with pytest.raises(StateLocked):
        store.replace(b"restored", b"", at=None)
    old.lock("released")
    store.replace(b"restored", b"", at=None)
    assert old.seen() == (LATER, False)
    stored = old.store().load()
    assert (stored.snapshot, stored.log) == (b"restored", b"")


def test_an_earlier_version_refuses_a_new_state_too(old):
    """From the beginning; and whatever it does to its own objects, the state stays as it is."""
    old.objects.held.clear()
    store = old.store()
    head = store.replace(b"one", b"lock\n", at=None)
    assert old.seen() == (LATER, False)
    old.lock("broken")
    old.put("k.journal/head", b'{"generation": "later", "token": "t2"}\n')
    old.put(f"k.journal/later/{len(LATER):016}", b"reconciler segment %s %08d\n" % (b"0" * 32, 0))
    store.replace(b"two", b"", at=store.append(b"more\n", at=head))
    old.put("k", b"by hand")
    stored = old.store().load()
    assert (stored.snapshot, stored.log) == (b"by hand", b"")
    store.replace(b"three", b"", at=stored.head)
    assert old.seen() == (LATER, False)
