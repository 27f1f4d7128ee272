"""Encrypted content: unreadable without the key, and every change of it noticed."""

import base64
import json
import re
import sys

import jsonschema
import pytest
from memory_store import Cell, MemoryStore

from reconciler import schemas
from reconciler.model.errors import (
    OutcomeUnknown,
    StateConflict,
    StateDamaged,
    StateEncrypted,
    StateTooNew,
    UsageError,
)
from reconciler.model.secret_fingerprints import StateKeys
from reconciler.ports import Head
from reconciler.stores import encryption
from reconciler.stores.encrypting_store import EncryptingStore
from reconciler.stores.encryption import decrypt_document

KEY, OTHER = "k" * 32, "o" * 32
LAST = 5
WHOLE = b"0\n1\n2\n3\n4\n"


@pytest.fixture(autouse=True)
def quick_derivation(monkeypatch):
    """Keys are derived cheaply: how dear a guess is, is not what is tested here."""
    monkeypatch.setitem(encryption._SCRYPT, "n", 2)
    encryption._derive.cache_clear()
    yield
    encryption._derive.cache_clear()


class Shelf(MemoryStore):
    """A store with a history of notes and with copies, which can lose the answer to one call."""

    def __init__(self):
        super().__init__(Cell())
        self.notes = []
        self.copy = None
        self.is_losing = False

    def append(self, records, *, at, note=""):
        """Append, and keep the note."""
        self.notes.append(note)
        return self.answer(super().append(records, at=at))

    def replace(self, snapshot, log, *, at, note=""):
        """Replace, and keep the note."""
        self.notes.append(note)
        return self.answer(super().replace(snapshot, log, at=at))

    def answer(self, head):
        """Give `head`, or lose it."""
        if self.is_losing:
            self.is_losing = False
            raise OutcomeUnknown("lost", hint="")
        return head

    def keep_backup(self, snapshot):
        """Keep it."""
        self.copy = snapshot
        return "on the shelf"

    def backup(self):
        """Return it."""
        return self.copy

    def earlier(self, version):
        """Return the copy under one name."""
        return self.copy if version == "first" else None

    def forge(self, *, snapshot=None, log=None):
        """Change what is held, as somebody does who may write to the store."""
        held = self.load()
        self.put(held.snapshot if snapshot is None else snapshot, held.log if log is None else log)


@pytest.fixture
def inner():
    """The store that sees encrypted bytes only."""
    return Shelf()


def client(inner, present=KEY, previous=None):
    """Somebody with these keys."""
    return EncryptingStore(inner, StateKeys(present=present, previous=previous))


def head_of(store):
    """Its present head."""
    return store.load().head


def content(store):
    """Its present snapshot and log."""
    found = store.load()
    return found.snapshot, found.log


@pytest.fixture
def encrypted(inner):
    """A client that has encrypted a snapshot, and appended five times."""
    made = client(inner)
    made.encrypt_next_write()
    head = made.replace(b"one", b"", at=None)
    for number in range(LAST):
        head = made.append(b"%d\n" % number, at=head)
    return made


def lines_of(inner):
    """The log's lines, its first one included."""
    return inner.load().log.splitlines(keepends=True)


def test_what_was_encrypted_is_read(inner, encrypted):
    """By whoever has the key, and by nobody else."""
    other = client(inner)
    assert content(other) == (b"one", WHOLE)
    assert other.is_encrypted()
    encrypted.replace(b"more words", b"more records\n", at=head_of(encrypted))
    assert content(client(inner)) == (b"more words", b"more records\n")
    assert b"more" not in b"".join(content(inner))  # a shorter word may be there by chance
    assert encrypted.location == "memory:"


def test_one_key_is_derived_for_a_state(inner, encrypted):
    """Deriving one is slow on purpose: snapshot, log and backup have one salt."""
    encrypted.keep_backup(b"old")
    salt = json.loads(inner.load().snapshot)["salt"]
    assert json.loads(inner.copy)["salt"] == json.loads(lines_of(inner)[0][9:])["salt"] == salt


def test_heads_are_those_of_the_store(inner, encrypted):
    """They pass through, so that any client of the store can name one."""
    head = encrypted.append(b"5\n", at=head_of(inner))
    assert head == head_of(inner)
    assert client(inner).replace(b"two", b"", at=head) == head_of(inner)


def test_a_log_at_rest_is_empty(inner, encrypted):
    """Also as the store sees it: nothing is left to take for a lock."""
    encrypted.replace(b"two", b"", at=head_of(inner))
    assert inner.load().log == b""
    assert content(client(inner)) == (b"two", b"")


EARLIER_DOCUMENT = {
    "formatVersion": 3,
    "cipher": "AES-256-GCM",
    "derivation": "scrypt",
    "kind": "snapshot",
    "keyId": "c10ab5cd",
    "salt": "k5zn6mnQgHIWCl/llZeiUw==",
    "nonce": "xQbYfjS+d7YQeKWV",
    "ciphertext": "sACY4UGaoczdMMnq2e1IS0Qafw==",
}
EARLIER_BACKUP = EARLIER_DOCUMENT | {
    "kind": "backup",
    "nonce": "yAXj+Bd7fG4tvuPK",
    "ciphertext": "Y5JUPVguZhAzG/o6TqEF3DEk4A==",
}
EARLIER_JOURNAL = (
    b'e5f4868d {"number":0,"type":"journal","formatVersion":3,"cipher":"AES-256-GCM","derivation":"scrypt",'
    b'"keyId":"c10ab5cd","salt":"k5zn6mnQgHIWCl/llZeiUw==","id":"28f3e1ac84885e075d78ebfff36df8c1"}\n'
    b"Vf6jS+0U/dMmgJFIN9G2KYO9tbFPL4TWllf06a17jhH4\n"
    b"ncqNJ/eEwNbO52m3+Ffh0yy5ZX/PIFXj9S77IOHKyxTT6N/jMmBHjr8=\n"
)


def test_what_an_earlier_version_encrypted_is_read(inner, monkeypatch):
    """Snapshot, backup and journal, with the derivation of keys as it is in earnest."""
    monkeypatch.setitem(encryption._SCRYPT, "n", 2**15)
    inner.replace(json.dumps(EARLIER_DOCUMENT).encode(), EARLIER_JOURNAL, at=None)
    inner.copy = json.dumps(EARLIER_BACKUP).encode()
    someone = client(inner)
    assert content(someone) == (b"one", b"head\nfirst\nsecond\n")
    assert someone.backup() == b"old"


def test_the_envelope_fits_its_schema(inner, encrypted):
    """Of the snapshot and of the backup."""
    validator = jsonschema.Draft202012Validator(schemas.load("sealed"))
    validator.validate(json.loads(inner.load().snapshot))
    assert encrypted.keep_backup(b"old") == "on the shelf"
    validator.validate(json.loads(inner.copy))
    assert decrypt_document(inner.copy, keys=StateKeys(present=KEY), name="copy") == b"old"
    assert decrypt_document(b"{}", keys=StateKeys(), name="copy") == b"{}"


def test_copies_are_read_whatever_they_are(inner, encrypted):
    """A backup, an earlier snapshot, and a plain one from before the state was encrypted."""
    assert encrypted.backup() is None
    encrypted.keep_backup(b"old")
    assert encrypted.backup() == encrypted.earlier("first") == b"old"
    inner.copy = inner.load().snapshot
    assert encrypted.earlier("first") == b"one"
    inner.copy = b"plain"
    assert encrypted.backup() == b"plain"
    assert encrypted.earlier("second") is None
    plain = client(MemoryStore(Cell()))
    assert (plain.keep_backup(b"x"), plain.backup(), plain.earlier("first")) == (None, None, None)


def test_what_is_left_of_a_damaged_state_is_told(inner, encrypted):
    """Its log and its head, so that it can be restored; and what is restored is encrypted again."""
    encrypted.keep_backup(b"old")
    log = inner.load().log
    for left, plain in ((log, WHOLE), (b"", b"")):
        inner.forge(snapshot=change(inner.copy, "kind", "snapshot"), log=left)
        someone = client(inner)
        with pytest.raises(StateDamaged, match="it was changed") as caught:
            someone.load()
        assert (caught.value.log, caught.value.head) == (plain, head_of(inner))
        someone.replace(b"restored", b"", at=caught.value.head)
        assert content(client(inner)) == (b"restored", b"")
        assert b"restored" not in inner.load().snapshot


class Lost(Shelf):
    """A store whose snapshot is gone."""

    log = b""

    def load(self):
        """Tell what is left."""
        raise StateDamaged("gone", hint="", log=self.log, head=Head("left"))

    def compare(self, at):
        """Only what is left can be followed."""
        assert at == "left"


def test_what_is_left_of_a_lost_state_is_told(inner, encrypted):
    """The same, where the store itself misses the snapshot."""
    lost = Lost()
    for left, plain in ((inner.load().log, WHOLE), (b"plain\n", b"plain\n"), (None, None)):
        lost.log = left
        someone = client(lost)
        with pytest.raises(StateDamaged, match="gone") as caught:
            someone.load()
        assert (caught.value.log, caught.value.head) == (plain, "left")
        if plain == WHOLE:
            someone.replace(b"restored", b"", at=Head("left"))
            assert b"restored" not in lost.cell.held.snapshot
    assert encrypted is not None


def test_a_damaged_log_is_not_left_out(inner, encrypted):
    """It may hold what was sent, so it never counts as a log without records."""
    *lines, _, last = lines_of(inner)
    for log in (b"".join((*lines, last)), b"plain\n"):
        inner.forge(log=log)
        with pytest.raises(StateDamaged) as caught:
            client(inner).load()
        assert caught.value.log is None
        inner.forge(snapshot=change(inner.load().snapshot, "nonce", "AAAA"))
        with pytest.raises(StateDamaged) as caught:
            client(inner).load()
        assert caught.value.log is None
        inner.forge(
            snapshot=encryption.encrypt_document(encrypted._ring.for_writing(None), "snapshot", b"one")
        )


def test_equal_content_is_encrypted_unlike_each_time(inner, encrypted):
    """No nonce is used twice: neither for snapshots nor for frames."""
    first = json.loads(inner.load().snapshot)
    encrypted.replace(b"one", b"", at=head_of(inner))
    second = json.loads(inner.load().snapshot)
    assert first["salt"] == second["salt"]
    assert first["nonce"] != second["nonce"]
    assert first["ciphertext"] != second["ciphertext"]


@pytest.mark.parametrize(("present", "said"), [(None, "is not set"), (OTHER, "not with what is in")])
def test_without_the_key_nothing_is_read_or_overwritten(inner, encrypted, present, said):
    """Each call says so, and leaves snapshot, log and backup as they are."""
    before = inner.load()
    stranger = client(inner, present)
    for call in (
        stranger.load,
        stranger.is_encrypted,
        lambda: stranger.replace(b"x", b"", at=before.head),
        lambda: stranger.append(b"x", at=before.head),
        lambda: stranger.keep_backup(b"x"),
    ):
        with pytest.raises(StateEncrypted, match=said) as caught:
            call()
        assert "RECONCILER_STATE_KEY" in caught.value.message
        assert OTHER not in caught.value.message + caught.value.hint
    assert (inner.load(), inner.copy) == (before, None)
    assert encrypted is not None


def test_without_a_key_nothing_can_be_encrypted(inner):
    """Before anything is written."""
    with pytest.raises(StateEncrypted, match="is needed, and it is not set"):
        client(inner, None).encrypt_next_write()


def test_without_the_library_the_extra_is_named(inner, encrypted, monkeypatch):
    """To read and to write."""
    for name in ("cryptography", "cryptography.exceptions", "cryptography.hazmat.primitives.ciphers.aead"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (client(inner).load, lambda: encrypted.append(b"x", at=head_of(inner))):
        with pytest.raises(UsageError, match="not installed") as caught:
            call()
        assert "exam-reconciler[encryption]" in caught.value.hint


@pytest.mark.parametrize("keys", [{"present": "short"}, {"present": OTHER, "previous": "short"}])
def test_a_short_key_is_refused(inner, encrypted, keys):
    """One that can be guessed protects nothing."""
    with pytest.raises(UsageError, match="too short"):
        client(inner, **keys).load()
    assert encrypted.load().snapshot == b"one"


def test_a_plain_state_needs_no_key(inner):
    """Nor does one whose exams are called like the envelope's members."""
    plain = b'{"exams": {"ciphertext": {"cipher": 1}}}'
    someone = client(inner, None)
    assert not someone.is_encrypted()
    assert someone.load() is None
    head = someone.replace(plain, b"", at=None)
    someone.append(b"head\n", at=head)
    assert content(client(inner, None)) == content(inner) == (plain, b"head\n")
    assert not someone.is_encrypted()


def test_a_change_of_keys(inner, encrypted):
    """The previous key reads, and goes on with its log; what is written anew is by the present one."""
    between = client(inner, OTHER, previous=KEY)
    head = between.append(b"5\n", at=head_of(inner))
    assert content(encrypted) == (b"one", WHOLE + b"5\n")
    head = between.replace(b"two", b"", at=head)
    between.append(b"new\n", at=head)
    assert content(client(inner, OTHER)) == (b"two", b"new\n")
    with pytest.raises(StateEncrypted):
        encrypted.load()


def test_back_to_plain_and_encrypted_again(inner, encrypted):
    """Each turn takes hold with the next write, backup and log included."""
    encrypted.decrypt_next_write()
    head = encrypted.append(b"5\n", at=head_of(inner))  # still to the encrypted log
    assert content(client(inner)) == (b"one", WHOLE + b"5\n")
    head = encrypted.replace(b"two", b"plain\n", at=head)
    head = encrypted.append(b"plainer\n", at=head)
    assert content(inner) == (b"two", b"plain\nplainer\n")
    encrypted.encrypt_next_write()
    encrypted.keep_backup(b"a backup")
    assert b"a backup" not in inner.copy
    head = encrypted.replace(b"three", b"", at=head)
    encrypted.append(b"sixth\n", at=head)
    assert b"three" not in inner.load().snapshot
    assert content(client(inner)) == (b"three", b"sixth\n")


def test_a_turn_is_taken_once(inner, encrypted):
    """What another client encrypts again stays encrypted."""
    encrypted.decrypt_next_write()
    head = encrypted.replace(b"two", b"", at=head_of(inner))
    other = client(inner)
    other.encrypt_next_write()
    other.replace(b"three", b"", at=head)
    encrypted.replace(b"four", b"", at=head_of(encrypted))
    assert client(inner).is_encrypted()


def test_a_turn_whose_answer_was_lost_stays_due(inner, encrypted):
    """It is done again, or was done: the state is never encrypted by halves."""
    encrypted.decrypt_next_write()
    inner.is_losing = True
    with pytest.raises(OutcomeUnknown):
        encrypted.replace(b"two", b"", at=head_of(inner))
    head = encrypted.load().head
    assert not encrypted.is_encrypted()
    encrypted.append(b"plain\n", at=head)
    encrypted.replace(b"three", b"", at=head_of(inner))
    assert content(inner) == (b"three", b"")


def test_a_lost_answer_does_not_break_the_chain(inner, encrypted):
    """Whether the append was heard or not, the next one goes on from what the store holds."""
    inner.is_losing = True
    head = head_of(inner)
    with pytest.raises(OutcomeUnknown):
        encrypted.append(b"5\n", at=head)
    with pytest.raises(StateConflict):
        encrypted.append(b"5\n", at=head)
    encrypted.append(b"6\n", at=encrypted.load().head)
    assert content(client(inner)) == (b"one", WHOLE + b"5\n6\n")


def test_a_head_that_is_gone_is_a_conflict(inner, encrypted):
    """Nothing is changed, whoever notices it."""
    old = head_of(inner)
    other = client(inner)
    other.append(b"5\n", at=old)
    before = inner.load()
    for someone in (encrypted, other, client(inner)):
        for call in (
            lambda someone=someone: someone.append(b"x\n", at=old),
            lambda someone=someone: someone.replace(b"x", b"", at=old),
            lambda someone=someone: someone.replace(b"x", b"", at=Head("never")),
            lambda someone=someone: someone.replace(b"x", b"", at=None),
        ):
            with pytest.raises(StateConflict):
                call()
    assert inner.load() == before
    with pytest.raises(StateConflict):
        client(Shelf()).append(b"x\n", at=old)


def change(document, key, value):
    """The envelope `document` with another `value` at `key`."""
    return json.dumps(json.loads(document) | {key: value}).encode()


def flipped(text):
    """Base64 whose first byte is another one."""
    data = base64.b64decode(text)
    return base64.b64encode(bytes([data[0] ^ 1]) + data[1:]).decode()


@pytest.mark.parametrize(
    ("key", "make", "error"),
    [
        ("ciphertext", flipped, StateDamaged),
        ("nonce", flipped, StateDamaged),
        ("ciphertext", lambda _: "", StateDamaged),
        ("ciphertext", lambda _: "!", StateDamaged),
        ("nonce", lambda _: None, StateDamaged),
        ("kind", lambda _: "backup", StateDamaged),
        ("cipher", lambda _: "ROT13", StateDamaged),
        ("salt", lambda _: "AAAA", StateDamaged),
        ("salt", flipped, StateEncrypted),
        ("keyId", lambda _: "00000000", StateEncrypted),
        ("keyId", lambda _: 1, StateDamaged),
        ("formatVersion", lambda _: 4, StateTooNew),
        ("formatVersion", lambda _: "3", StateDamaged),
    ],
)
def test_a_changed_envelope_is_noticed(inner, encrypted, key, make, error):
    """It never reads as absent, empty or another state."""
    document = inner.load().snapshot
    inner.forge(snapshot=change(document, key, make(json.loads(document)[key])))
    with pytest.raises(error):
        client(inner).load()
    assert encrypted is not None


def test_a_backup_cannot_be_put_in_the_states_place(inner, encrypted):
    """What a piece is, is encrypted with it."""
    encrypted.keep_backup(b"old")
    for forged in (inner.copy, change(inner.copy, "kind", "snapshot")):
        inner.forge(snapshot=forged)
        with pytest.raises(StateDamaged):
            client(inner).load()


FORGERIES = {
    "a frame left out": lambda head, one, _, *rest: (head, one, *rest),
    "a frame twice": lambda head, one, *rest: (head, one, one, *rest),
    "two frames exchanged": lambda head, one, two, *rest: (head, two, one, *rest),
    "the first frame left out": lambda head, _, *rest: (head, *rest),
    "a changed frame": lambda head, one, *rest: (head, flipped(one).encode() + b"\n", *rest),
    "no base64": lambda head, _, *rest: (head, b"!\n", *rest),
    "an empty frame": lambda head, *rest: (head, b"\n", *rest),
    "a changed first line": lambda head, *rest: (head.replace(b'"id":"', b'"id":"0'), *rest),
    "another key": lambda head, *rest: (re.sub(rb'(?<="keyId":")[0-9a-f]{8}', b"00000000", head), *rest),
    "a first line with a changed checksum": lambda head, *rest: (b"00000000" + head[8:], *rest),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_changed_log_is_noticed(inner, encrypted, forge):
    """A frame is read only in its place behind all frames before it, in its own log."""
    inner.forge(log=b"".join(forge(*lines_of(inner))))
    with pytest.raises(StateDamaged):
        client(inner).load()
    assert encrypted is not None


def test_a_frame_of_another_log_is_noticed(inner, encrypted):
    """One under the same key, at the same place."""
    first = lines_of(inner)
    head = encrypted.replace(b"one", b"0\n", at=head_of(inner))
    encrypted.append(b"1\n", at=head)
    second = lines_of(inner)
    inner.forge(log=b"".join((second[0], first[1], second[2])))
    with pytest.raises(StateDamaged, match="line 2"):
        client(inner).load()


def test_a_plain_part_beside_an_encrypted_one_is_noticed(inner, encrypted):
    """Who has no key cannot slip records in, nor put a plain state in front of an encrypted log."""
    held = inner.load()
    inner.forge(log=b"forged\n")
    with pytest.raises(StateDamaged, match="its log is not"):
        client(inner).load()
    with pytest.raises(StateDamaged):
        encrypted.append(b"x", at=head_of(inner))
    inner.forge(snapshot=b"{}", log=held.log)
    with pytest.raises(StateDamaged, match="its snapshot is not"):
        client(inner).load()


def test_a_torn_end_is_left_out(inner, encrypted):
    """Any cut of a journal of an earlier version gives the frames before it, as a plain one does."""
    log = inner.load().log
    seen = []
    for cut in range(len(log) + 1):
        inner.forge(log=log[:cut])
        seen.append(client(inner).load().log)
    assert seen == sorted(seen, key=len)
    assert set(seen) == {WHOLE[: 2 * count] for count in range(LAST + 1)}
    assert encrypted is not None


def test_a_log_without_records_is_gone_on_with(inner, encrypted):
    """A kill can leave the first line of an append alone."""
    inner.forge(log=lines_of(inner)[0])
    someone = client(inner)
    found = someone.load()
    assert found.log == b""
    someone.append(b"new\n", at=found.head)
    assert content(client(inner)) == (b"one", b"new\n")
    assert encrypted is not None


def test_a_history_of_notes_tells_nothing(inner):
    """Addresses and SIDs are not told where the state itself is encrypted; a plain one's notes are."""
    someone = client(inner)
    head = someone.replace(b"0", b"", at=None, note="cs/a: plain")
    head = someone.append(b"0", at=head, note="cs/b: plain")
    someone.encrypt_next_write()
    head = someone.replace(b"1", b"", at=head, note="cs/a: encrypted")
    head = someone.append(b"0", at=head, note="cs/a: encrypted")
    someone.append(b"1", at=head, note="cs/a: encrypted")
    assert inner.notes == ["cs/a: plain", "cs/b: plain", *["an encrypted change"] * 3]


def test_the_keys_are_in_no_representation():
    """Of what holds them."""
    keys = StateKeys(present=KEY, previous=OTHER)
    ring = encryption.KeyRing(keys=keys, location="file:s.json")
    key = ring.for_writing(None)
    told = f"{keys!r} {ring!r} {key!r}"
    assert KEY not in told
    assert OTHER not in told
    assert key._key.hex() not in told
    assert repr(key._key) not in told
