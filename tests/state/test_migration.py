"""Migration: at no moment can two places be applied to, and what was cut off goes on."""

import json
from collections import defaultdict
from itertools import count

import jsonschema
import msgspec
import pytest
from memory_store import Cell, MemoryStore
from session_stores import a_lock, open_session, session, waiting
from state_builders import LINEAGE, began, entry, intent, resolution, state

from reconciler import schemas
from reconciler.editing import migrate
from reconciler.model.errors import (
    StateAbsent,
    StateConflict,
    StateDamaged,
    StateEncrypted,
    StateError,
    StateExists,
    StateLocked,
    StateMoved,
    StateUnavailable,
    UsageError,
)
from reconciler.model.locks import Breaking
from reconciler.model.records import LockRecord, UnlockRecord
from reconciler.model.secret_fingerprints import StateKeys
from reconciler.model.state import MoveMarker, MovePhase
from reconciler.state.initialising import initialise
from reconciler.state.locking import break_lock
from reconciler.state.log_format import encode_log
from reconciler.state.session import Session, load_state
from reconciler.state.state_format import decode_snapshot, decode_state, encode_state
from reconciler.stores import encryption
from reconciler.stores.encrypting_store import EncryptingStore

KEY = "k" * 32
FULL = state({"a": entry(1)}, {"b": intent("t1")}).with_resolutions(resolution("a", "t0", 1))
MOVING = MoveMarker(phase=MovePhase.MOVING_FROM, elsewhere="file:old.json")
MOVED = MoveMarker(phase=MovePhase.MOVED_TO, elsewhere="file:new.json")


@pytest.fixture(autouse=True)
def quick_derivation(monkeypatch):
    """Keys are derived cheaply."""
    monkeypatch.setitem(encryption._SCRYPT, "n", 2)
    encryption._derive.cache_clear()
    yield
    encryption._derive.cache_clear()


class Cut(BaseException):
    """The process dies here."""


class Watched(MemoryStore):
    """A store whose replaces can be cut off, and after each of which what can be used is looked at."""

    def __init__(self, name, world):
        super().__init__(world.cells[name])
        self.location = f"file:{name}"
        self.world = world

    def replace(self, snapshot, log, *, at, note=""):
        """As asked, if it is not cut off before."""
        self.world.step()
        head = super().replace(snapshot, log, at=at, note=note)
        self.world.step()
        self.world.look()
        return head


class World:
    """An old and a new place."""

    def __init__(self):
        self.cells = defaultdict(Cell)
        self.left = 10_000
        self.usable = []
        self.runs = count(1)

    def step(self):
        """One more moment at which the process may die."""
        self.left -= 1
        if self.left == 0:
            raise Cut

    def store(self, name, key=KEY):
        """A client of its own."""
        return EncryptingStore(Watched(name, self), StateKeys(present=key))

    def plain(self, name):
        """A client that is not cut off."""
        made = MemoryStore(self.cells[name])
        made.location = f"file:{name}"
        return made

    def content(self, name):
        """Snapshot and log at `name`."""
        found = self.plain(name).load()
        return found.snapshot, found.log

    def put(self, name, document, mark=None, log=b""):
        """Make `document` the state at `name`."""
        self.cells[name].held = None
        self.plain(name).replace(encode_state(document, mark), log, at=None)

    def look(self):
        """Note which places a command could use."""
        usable = []
        for name in ("old.json", "new.json"):
            try:
                load_state(EncryptingStore(self.plain(name), StateKeys(present=KEY)))
            except StateError:
                continue
            usable.append(name)
        self.usable.append(usable)

    def migrate(self, source="old.json", target="new.json", *, is_encrypted=False, key=KEY):
        """The state after a migration."""
        return migrate(
            self.store(source, key),
            self.store(target, key),
            lock=a_lock(f"run {next(self.runs)}"),
            timeout_s=0,
            is_encrypted=is_encrypted,
        )

    def encrypt_old(self):
        """Encrypt the old place."""
        store = self.store("old.json")
        with open_session(store, lock=a_lock("0"), timeout_s=0) as opened:
            store.encrypt_next_write()
            opened.finish(opened.state)


@pytest.fixture
def world():
    """A world whose old place has a state."""
    made = World()
    made.put("old.json", FULL)
    return made


def test_everything_moves_along(world):
    """Exams, doubts and resolutions; the lineage stays, the serial rises by one, the old place is marked."""
    moved = world.migrate()
    assert moved == msgspec.structs.replace(FULL, serial=FULL.serial + 1)
    assert load_state(world.plain("new.json")) == moved
    assert marked(world.plain("old.json").load().snapshot) == (FULL, MOVED)
    assert [len(usable) for usable in world.usable] == [1, 1, 0, 1]


def marked(data):
    """The state in `data`, and its mark."""
    found = decode_snapshot(data, location="here")
    return found.state, found.marker


def test_what_the_log_holds_moves_along(world):
    """What a killed run left in the old place is in the new one."""
    left = [LockRecord(lock=a_lock("0")), began("c", "t3"), UnlockRecord(lock_id="0")]
    world.put("old.json", FULL, log=encode_log(LINEAGE, FULL.serial, left))
    assert world.migrate().intents.keys() == {"b", "c"}
    assert world.plain("old.json").load().log == b""


@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize("moment", range(1, 10))
def test_a_cut_at_any_moment(world, moment, is_sealed, is_encrypted):
    """Before and after each write: never two places in use, `init` refused at both, and the rest goes on."""
    if is_sealed:
        world.encrypt_old()
    world.usable.clear()
    world.left = moment
    with pytest.raises(Cut):
        world.migrate(is_encrypted=is_encrypted)
    world.left = 10_000
    world.look()
    assert all(len(usable) <= 1 for usable in world.usable)
    for name in ("old.json", "new.json") if moment > 1 else ("old.json",):
        with pytest.raises((StateExists, StateMoved)):
            initialise(world.store(name), lineage=LINEAGE, lock=a_lock("3"))
    moved = world.migrate(is_encrypted=is_encrypted)
    assert moved.exams == FULL.exams
    assert world.usable[-1] == ["new.json"]
    assert world.migrate(is_encrypted=is_encrypted) == moved
    assert world.store("new.json").is_encrypted() is (is_sealed or is_encrypted)


def test_a_state_that_went_on_before_the_second_try(world):
    """Between the first step and the next try the old place is in use: what was done there moves along."""
    world.left = 2
    with pytest.raises(Cut):
        world.migrate()
    world.left = 10_000
    with open_session(world.store("old.json"), lock=a_lock("3"), timeout_s=0) as opened:
        opened.finish(msgspec.structs.replace(FULL, exams={**FULL.exams, "z": entry(9)}))
    assert world.migrate().exams.keys() == {"a", "z"}


def test_back_again(world):
    """A state may return to where it was: what is left there is its own history."""
    world.migrate()
    assert world.migrate("new.json", "old.json").serial == FULL.serial + 2
    assert world.usable[-1] == ["old.json"]
    with pytest.raises(StateMoved) as caught:
        load_state(world.plain("new.json"))
    assert caught.value.elsewhere == "file:old.json"


def test_both_marks_are_refused_by_all_but_the_migration(world):
    """Reading, sessions, `init` and a push of such a document; the message names the other place."""
    for name, mark, said in (
        ("m1.json", MOVED, "was moved to file:new"),
        ("m2.json", MOVING, "moved here from"),
    ):
        world.put(name, FULL, mark)
        store = world.plain(name)
        for call in (
            lambda store=store: load_state(store),
            lambda store=store: session(store),
            lambda store=store: initialise(store, lineage=LINEAGE, lock=a_lock("1")),
            lambda store=store: decode_state(store.load().snapshot, location="copy.json"),
        ):
            with pytest.raises(StateMoved) as caught:
                call()
            assert mark.elsewhere in caught.value.message
            assert mark.elsewhere == caught.value.elsewhere
            assert said in caught.value.message or "copy.json" in caught.value.message


@pytest.mark.parametrize(
    ("place", "mark"),
    [
        ("new.json", None),
        ("new.json", MoveMarker(phase=MovePhase.MOVING_FROM, elsewhere="file:third.json")),
        ("new.json", MoveMarker(phase=MovePhase.MOVED_TO, elsewhere="file:third.json")),
    ],
)
def test_a_place_that_is_taken_is_refused(world, place, mark):
    """By a state in use, or by one that is on another way."""
    world.put(place, msgspec.structs.replace(FULL, serial=9), mark)
    before = world.content("old.json"), world.content(place)
    with pytest.raises((StateExists, StateMoved)):
        world.migrate()
    assert (world.content("old.json"), world.content(place)) == before


@pytest.mark.parametrize("mark", [MOVING, MoveMarker(phase=MovePhase.MOVED_TO, elsewhere="file:old.json")])
def test_a_mark_of_another_history_is_refused(world, mark):
    """It may be that of a state which was lost and made anew."""
    world.put("new.json", msgspec.structs.replace(FULL, lineage=LINEAGE.replace("0", "1")), mark)
    with pytest.raises(StateExists):
        world.migrate()
    assert load_state(world.plain("old.json")) == FULL


@pytest.mark.parametrize("mark", [MOVING, MoveMarker(phase=MovePhase.MOVED_TO, elsewhere="file:third.json")])
def test_a_state_that_is_not_in_use_does_not_move(world, mark):
    """One that has moved elsewhere, and one that has not arrived yet."""
    world.put("half.json", FULL, mark)
    with pytest.raises(StateMoved):
        world.migrate("half.json")
    assert world.plain("new.json").load() is None


def test_what_is_missing_is_told(world):
    """No state, and a new place that was lost after the move."""
    with pytest.raises(StateAbsent):
        world.migrate("none.json")
    world.migrate()
    world.cells["new.json"].held = None
    with pytest.raises(StateAbsent, match=r"moved to file:new.json, which does not exist"):
        world.migrate()


def test_a_new_place_with_another_state_after_the_move_is_told(world):
    """The old place says that the state is there, and it is not."""
    world.migrate()
    world.put("new.json", msgspec.structs.replace(FULL, lineage=LINEAGE.replace("0", "1")))
    with pytest.raises(StateExists):
        world.migrate()


def test_the_same_place_is_refused_by_any_name(world):
    """By its own, and by another one that leads there; nothing is changed."""
    world.cells["link.json"] = world.cells["old.json"]
    before = world.content("old.json")
    for name in ("old.json", "link.json"):
        with pytest.raises(UsageError, match="already"):
            world.migrate("old.json", name)
    assert world.content("old.json") == before


def test_two_at_once(world):
    """The second is kept out by the lock of the old place."""
    held = Session(world.plain("old.json"), a_lock("9"), waiting())
    with pytest.raises(StateLocked):
        world.migrate()
    held.close()
    assert load_state(world.plain("old.json")) == FULL
    assert world.plain("new.json").load() is None
    world.migrate()
    with pytest.raises(StateMoved):
        world.migrate("old.json", "third.json")


def test_without_the_key_nothing_moves(world):
    """Neither out of an encrypted place nor into one."""
    with pytest.raises(StateEncrypted):
        world.migrate(is_encrypted=True, key=None)
    world.encrypt_old()
    with pytest.raises(StateEncrypted):
        world.migrate(key=None)
    assert world.plain("new.json").load() is None


def test_another_state_that_arrives_in_between_is_not_overwritten(world):
    """The new place was empty at the first look, and is not when the state moves in."""

    def arrive():
        world.put("new.json", msgspec.structs.replace(FULL, serial=9))
        return False

    source, target = world.store("old.json"), world.store("new.json")
    target.is_encrypted = arrive
    with pytest.raises(StateConflict):
        migrate(source, target, lock=a_lock("1"), timeout_s=0, is_encrypted=True)
    assert load_state(world.plain("old.json")) == FULL
    assert load_state(world.plain("new.json")).serial == 9


def test_a_lock_that_was_broken_in_between_stops_it(world):
    """The old place is not marked by who lost its lock."""

    def prepare_to_lose():
        break_lock(world.plain("old.json"), "1", breaking=Breaking.EVEN_LIVE, by=a_lock("9"))

    source, target = world.store("old.json"), world.store("new.json")
    target.is_encrypted = prepare_to_lose
    with pytest.raises((StateUnavailable, StateConflict)):
        migrate(source, target, lock=a_lock("1"), timeout_s=0, is_encrypted=True)
    assert load_state(world.plain("old.json")) == FULL
    with pytest.raises(StateMoved):
        load_state(EncryptingStore(world.plain("new.json"), StateKeys(present=KEY)))


@pytest.mark.parametrize("mark", [MOVING, MOVED])
def test_a_marked_state_is_read_back_and_fits_the_schema(mark):
    """With the present version, and with the one that an earlier build gave to a marked state."""
    data = encode_state(FULL, mark)
    document = json.loads(data)
    assert marked(data) == (FULL, mark)
    jsonschema.Draft202012Validator(schemas.load("state")).validate(document)
    del document["service"]
    earlier = json.dumps(document | {"formatVersion": 2}).encode()
    assert marked(earlier) == (FULL, mark)


@pytest.mark.parametrize(
    "changes",
    [
        {"formatVersion": 1},
        {"movedTo": None},
        {"movedTo": 1},
        {"movingFrom": "file:x"},
    ],
)
def test_a_mark_that_does_not_fit_is_damage(changes):
    """There is one mark, and none in a version that has none; by the code and by the schema."""
    document = json.loads(encode_state(FULL, MOVED)) | changes
    with pytest.raises(StateDamaged):
        decode_state(json.dumps(document).encode(), location="here")
    assert not jsonschema.Draft202012Validator(schemas.load("state")).is_valid(document)


def test_the_earlier_version_of_marked_states_without_a_mark_is_damage():
    """No build wrote one."""
    unmarked = json.loads(encode_state(FULL)) | {"formatVersion": 2}
    with pytest.raises(StateDamaged):
        decode_state(json.dumps(unmarked).encode(), location="here")
    assert not jsonschema.Draft202012Validator(schemas.load("state")).is_valid(unmarked)
