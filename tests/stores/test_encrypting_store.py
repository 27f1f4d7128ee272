"""Encrypted content: unreadable without the key, and every change of it noticed."""

import base64
import json
import sys

import jsonschema
import pytest

from reconciler import schemas
from reconciler.host import lock_info
from reconciler.model.errors import (
    StateConflict,
    StateDamaged,
    StateEncrypted,
    StateTooNew,
    StateUnavailable,
    UsageError,
)
from reconciler.model.secret_fingerprints import StateKeys
from reconciler.ports import Version
from reconciler.stores import encryption
from reconciler.stores.encrypting_store import EncryptingStore
from reconciler.stores.encryption import decrypt_document
from reconciler.stores.file import FileStore

KEY, OTHER = "k" * 32, "o" * 32
LAST = 5


@pytest.fixture(autouse=True)
def quick_derivation(monkeypatch):
    """Keys are derived cheaply: how dear a guess is, is not what is tested here."""
    monkeypatch.setitem(encryption._SCRYPT, "n", 2)
    encryption._derive.cache_clear()
    yield
    encryption._derive.cache_clear()


@pytest.fixture
def path(tmp_path):
    """Where the state is."""
    return tmp_path / "s.json"


@pytest.fixture
def inner(path):
    """The store that sees encrypted bytes only."""
    return FileStore(path, location="file:s.json")


def client(inner, present=KEY, previous=None):
    """Somebody with these keys."""
    return EncryptingStore(inner, StateKeys(present=present, previous=previous))


@pytest.fixture
def encrypted(inner):
    """A client that has encrypted a snapshot, and appended five times behind it."""
    made = client(inner)
    made.encrypt_next_write()
    made.write(b"one", replacing=None)
    for number in range(LAST):
        made.append_journal(b"%d|" % number, after=2 * number)
    return made


def lines_of(inner):
    """The journal's lines, its first one included."""
    return inner.read_journal().splitlines(keepends=True)


def put_journal(inner, *lines):
    """Make `lines` the journal, as somebody does who may write to the store."""
    inner.append_journal(b"".join(lines), after=0)


def test_what_was_encrypted_is_read(inner, encrypted):
    """By whoever has the key, and by nobody else."""
    other = client(inner)
    assert other.read_journal() == b"0|1|2|3|4|"
    assert other.read().data == b"one"
    assert other.is_encrypted()
    encrypted.write(b"more words", replacing=encrypted.read().version)
    assert b"more words" not in inner.read().data  # a short word may be there by chance
    assert encrypted.location == "file:s.json"


def test_the_envelope_fits_its_schema(inner, encrypted):
    """Of the snapshot and of the backup."""
    validator = jsonschema.Draft202012Validator(schemas.load("sealed"))
    validator.validate(json.loads(inner.read().data))
    with open(encrypted.back_up(b"old"), "rb") as file:  # noqa: PTH123 - a place, not a path
        document = file.read()
    validator.validate(json.loads(document))
    assert decrypt_document(document, keys=StateKeys(present=KEY), name="copy") == b"old"
    assert decrypt_document(b"{}", keys=StateKeys(), name="copy") == b"{}"


def test_equal_content_is_encrypted_unlike_each_time(inner, encrypted):
    """No nonce is used twice: neither for snapshots nor for frames."""
    first = json.loads(inner.read().data)
    encrypted.write(b"one", replacing=encrypted.read().version)
    second = json.loads(inner.read().data)
    assert first["salt"] == second["salt"]
    assert first["nonce"] != second["nonce"]
    assert first["ciphertext"] != second["ciphertext"]


@pytest.mark.parametrize(("present", "said"), [(None, "is not set"), (OTHER, "not with what is in")])
def test_without_the_key_nothing_is_read_or_overwritten(inner, encrypted, present, said):
    """Each call says so, and leaves snapshot, journal and backup as they are."""
    version = encrypted.read().version
    before = inner.read(), inner.read_journal()
    stranger = client(inner, present)
    for call in (
        stranger.read,
        stranger.read_journal,
        stranger.is_encrypted,
        lambda: stranger.write(b"x", replacing=version),
        lambda: stranger.append_journal(b"x", after=0),
        lambda: stranger.back_up(b"x"),
    ):
        with pytest.raises(StateEncrypted, match=said) as caught:
            call()
        assert "RECONCILER_STATE_KEY" in caught.value.message
        assert OTHER not in caught.value.message + caught.value.hint
    assert (inner.read(), inner.read_journal()) == before


def test_without_a_key_nothing_can_be_encrypted(inner):
    """Before anything is written."""
    with pytest.raises(StateEncrypted, match="is needed, and it is not set"):
        client(inner, None).encrypt_next_write()


def test_without_the_library_the_extra_is_named(inner, encrypted, monkeypatch):
    """To read and to write."""
    for name in ("cryptography", "cryptography.exceptions", "cryptography.hazmat.primitives.ciphers.aead"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (client(inner).read, lambda: encrypted.append_journal(b"x", after=0)):
        with pytest.raises(UsageError, match="not installed") as caught:
            call()
        assert "reconciler[encryption]" in caught.value.hint


@pytest.mark.parametrize("keys", [{"present": "short"}, {"present": OTHER, "previous": "short"}])
def test_a_short_key_is_refused(inner, encrypted, keys):
    """One that can be guessed protects nothing."""
    with pytest.raises(UsageError, match="too short"):
        client(inner, **keys).read()
    assert encrypted.read().data == b"one"


def test_a_plain_state_needs_no_key(inner):
    """Nor does one whose exams are called like the envelope's members."""
    plain = b'{"exams": {"ciphertext": {"cipher": 1}}}'
    someone = client(inner, None)
    someone.write(plain, replacing=None)
    someone.append_journal(b"head\n", after=0)
    assert client(inner, None).read_journal() == b"head\n"
    assert someone.read().data == inner.read().data == plain
    assert not someone.is_encrypted()


def test_a_change_of_keys(inner, encrypted):
    """The previous key reads, and what is written is by the present one, which is enough then."""
    version = encrypted.read().version
    between = client(inner, OTHER, previous=KEY)
    assert between.read_journal() == b"0|1|2|3|4|"
    assert between.read().data == b"one"
    between.write(b"two", replacing=version)
    between.clear_journal()
    between.append_journal(b"new|", after=0)
    after = client(inner, OTHER)
    assert (after.read().data, after.read_journal()) == (b"two", b"new|")
    with pytest.raises(StateEncrypted):
        encrypted.read()


def test_back_to_plain_and_encrypted_again(inner, encrypted):
    """Each turn takes hold with the next write, backup and journal included."""
    encrypted.decrypt_next_write()
    assert inner.read().data != b"one"
    version = encrypted.write(b"two", replacing=encrypted.read().version)
    encrypted.clear_journal()
    encrypted.append_journal(b"plain\n", after=0)
    assert (inner.read().data, inner.read_journal()) == (b"two", b"plain\n")
    encrypted.clear_journal()
    encrypted.encrypt_next_write()
    encrypted.back_up(b"two")
    encrypted.write(b"three", replacing=version)
    assert b"three" not in inner.read().data
    assert client(inner).read().data == b"three"


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
    document = inner.read().data
    forged = change(document, key, make(json.loads(document)[key]))
    inner.write(forged, replacing=inner.read().version)
    with pytest.raises(error):
        client(inner).read()
    assert encrypted is not None


def test_a_backup_cannot_be_put_in_the_states_place(inner, encrypted):
    """What a piece is, is encrypted with it."""
    with open(encrypted.back_up(b"old"), "rb") as file:  # noqa: PTH123 - a place, not a path
        inner.write(change(file.read(), "kind", "snapshot"), replacing=inner.read().version)
    with pytest.raises(StateDamaged):
        client(inner).read()


FORGERIES = {
    "a frame left out": lambda head, one, _, *rest: (head, one, *rest),
    "a frame twice": lambda head, one, *rest: (head, one, one, *rest),
    "two frames exchanged": lambda head, one, two, *rest: (head, two, one, *rest),
    "the first frame left out": lambda head, _, *rest: (head, *rest),
    "a changed frame": lambda head, one, *rest: (head, flipped(one).encode() + b"\n", *rest),
    "no base64": lambda head, _, *rest: (head, b"!\n", *rest),
    "an empty frame": lambda head, *rest: (head, b"\n", *rest),
    "a changed first line": lambda head, *rest: (head.replace(b'"id":"', b'"id":"0'), *rest),
    "a first line with a changed checksum": lambda head, *rest: (b"00000000" + head[8:], *rest),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_changed_journal_is_noticed(inner, encrypted, forge):
    """A frame opens only in its place behind all frames before it, in its own journal."""
    put_journal(inner, *forge(*lines_of(inner)))
    with pytest.raises(StateDamaged):
        client(inner).read_journal()
    assert encrypted is not None


def test_a_frame_of_another_journal_is_noticed(inner, encrypted):
    """One under the same key, at the same place."""
    first = lines_of(inner)
    encrypted.append_journal(b"0|", after=0)
    encrypted.append_journal(b"1|", after=2)
    second = lines_of(inner)
    put_journal(inner, second[0], first[1], second[2])
    with pytest.raises(StateDamaged, match="line 2"):
        client(inner).read_journal()


def test_a_plain_journal_beside_a_encrypted_state_is_noticed(inner, encrypted):
    """Who has no key cannot slip records in."""
    put_journal(inner, b"forged\n")
    forged = client(inner)
    forged.read_journal()
    with pytest.raises(StateDamaged, match="its journal is not"):
        forged.read()
    with pytest.raises(StateDamaged):
        client(inner).append_journal(b"x", after=2)
    assert encrypted is not None


def test_a_torn_end_is_left_out(inner, encrypted):
    """Any cut gives the frames before it, as a journal that is plain does."""
    journal = inner.read_journal()
    head = len(lines_of(inner)[0])
    seen = []
    for cut in range(head - 1, len(journal) + 1):
        inner.append_journal(journal[:cut], after=0)
        seen.append(client(inner).read_journal())
    assert seen == sorted(seen, key=len)
    assert set(seen) == {b"0|1|2|3|4|"[: 2 * count] for count in range(LAST + 1)}
    assert encrypted is not None


@pytest.mark.parametrize("cut", [0, 1, 20])
@pytest.mark.parametrize("after", [0, 1, 2, 3, 8, 9, 10])
def test_an_append_goes_behind_any_number_of_bytes(inner, encrypted, after, cut):
    """Also by another client, in the middle of a frame, and where the last newline or more is torn off."""
    journal = inner.read_journal()
    inner.append_journal(journal[: len(journal) - cut], after=0)
    whole = client(inner).read_journal()
    someone = client(inner)
    if after > len(whole):
        with pytest.raises(StateUnavailable, match="removed or cut"):
            someone.append_journal(b"new|", after=after)
        return
    someone.append_journal(b"new|", after=after)
    someone.append_journal(b"newer|", after=after + 4)
    assert client(inner).read_journal() == whole[:after] + b"new|newer|"
    assert encrypted is not None


def test_a_journal_that_went_away_is_told(inner, encrypted):
    """Nothing is appended where something should be."""
    inner.clear_journal()
    with pytest.raises((StateDamaged, StateUnavailable)):
        client(inner).append_journal(b"x", after=4)
    with pytest.raises((StateDamaged, StateUnavailable)):
        encrypted.append_journal(b"x", after=10)


def test_the_lock_and_comparing_are_the_stores_own(inner, encrypted):
    """A wrong version is refused, and what was seen before the lock is seen anew."""
    with pytest.raises(StateConflict):
        encrypted.write(b"x", replacing=Version("other"))
    with encrypted.lock(lock_info("test"), timeout_s=0):
        assert encrypted.lock_holder() is not None
        assert encrypted.read().data == b"one"
        encrypted.prove_conditional_writes()
    assert inner.lock_holder() is None


class Telling(FileStore):
    """A store that keeps a history of notes."""

    def __init__(self, path):
        super().__init__(path, location="file:s.json")
        self.notes = []

    def write(self, data, *, replacing, note=""):
        """As asked, and noted."""
        self.notes.append(note)
        return super().write(data, replacing=replacing)

    def append_journal(self, data, *, after, note=""):
        """As asked, and noted."""
        self.notes.append(note)
        super().append_journal(data, after=after)


def test_a_history_of_notes_tells_nothing(path):
    """Addresses and SIDs are not told where the state itself is encrypted; a plain one's notes are."""
    store = Telling(path)
    someone = client(store)
    version = someone.write(b"0", replacing=None, note="cs/a: plain")
    someone.encrypt_next_write()
    version = someone.write(b"1", replacing=version, note="cs/a: encrypted")
    someone.append_journal(b"0", after=0, note="cs/a: encrypted")
    someone.append_journal(b"1", after=1, note="cs/a: encrypted")
    assert store.notes == ["cs/a: plain", *["an encrypted change"] * 3]


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
