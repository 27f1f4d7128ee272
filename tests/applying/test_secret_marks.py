"""Marks: they tell the same value from another, to the holder of the key only."""

import pytest
from applying_fakes import PASSWORD, START, World, declaration

from reconciler.applying.requests import CreateRequest
from reconciler.model.identities import AttemptId, ExamSid
from reconciler.model.records import IntentRecord
from reconciler.model.secret_fingerprints import MarkingKey, Sighting
from reconciler.secret_sources import Secrets, sightings_of

KEY = "k" * 32
LINEAGE = "0d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10"
PATH = "configuration.password"
MARKING_KEY = MarkingKey.derive(KEY, LINEAGE)


@pytest.fixture
def world():
    """An executor among fakes."""
    return World()


def digest(key, *, attempt="t1", value=PASSWORD):
    """The digest that `key` makes."""
    return key.mark(AttemptId(attempt), {PATH: value}).digests[PATH]


def test_a_mark_knows_its_value_and_no_other():
    """The same key, attempt, path and value, and only these, give the same digest."""
    marks = MARKING_KEY.mark(AttemptId("t1"), {PATH: PASSWORD})
    assert MARKING_KEY.is_mark_of(marks, PATH, PASSWORD)
    assert not MARKING_KEY.is_mark_of(marks, PATH, PASSWORD + "x")
    assert digest(MARKING_KEY) != digest(MARKING_KEY, attempt="t2")
    assert digest(MARKING_KEY) != digest(MarkingKey.derive(KEY, LINEAGE.replace("0", "1")))
    assert MARKING_KEY.mark(AttemptId("t1"), {"other": PASSWORD}).digests["other"] != digest(MARKING_KEY)


def test_another_key_is_recognised():
    """So that a rotated key does not look as if every password had changed."""
    other = MarkingKey.derive("o" * 32, LINEAGE)
    marks = MARKING_KEY.mark(AttemptId("t1"), {PATH: PASSWORD})
    assert MarkingKey.derive(KEY, LINEAGE).has_made(marks)
    assert not other.has_made(marks)


def test_nothing_that_is_secret_shows():
    """Neither the key nor what is derived from it is in a repr, and no value is in a mark."""
    marks = MARKING_KEY.mark(AttemptId("t1"), {PATH: PASSWORD})
    assert repr(MARKING_KEY) == "MarkingKey()"
    assert PASSWORD not in repr(marks)


async def test_marks_are_durable_with_the_intent(world):
    """They are there before anything is sent, bound to that very attempt, and stay however a doubt ends."""
    world.marking_key = MARKING_KEY
    await world.apply("a", "b")
    intents = [one.intent for one in world.journal.records if isinstance(one, IntentRecord)]
    for intent in intents:
        assert intent.secrets == MARKING_KEY.mark(intent.attempt, {PATH: PASSWORD})
        assert intent.as_created(ExamSid("EX" + "0" * 32), START).secrets == intent.secrets
    assert len({intent.secrets.digests[PATH] for intent in intents}) == 2


async def test_without_a_key_nothing_is_marked(world):
    """Intents are as they would be without this feature."""
    await world.apply("a")
    assert [one.intent.secrets for one in world.journal.records if isinstance(one, IntentRecord)] == [None]


class Untouchable:
    """A source that must not be asked."""

    def value_of(self, secret):
        """Fails."""
        raise AssertionError(secret)


async def entry_marked_by(world, key):
    """The entry of an exam that was created with `key`."""
    world.marking_key = key
    await world.apply("a")
    intent = next(one.intent for one in world.journal.records if isinstance(one, IntentRecord))
    return intent.as_created(ExamSid("EX" + "0" * 32), START)


@pytest.mark.parametrize(
    ("environment", "sighting"),
    [
        ({"EXAM_SECRET_X": PASSWORD}, Sighting.SAME),
        ({"EXAM_SECRET_X": "other"}, Sighting.DIFFERS),
        ({}, Sighting.UNAVAILABLE),
    ],
)
async def test_a_value_at_hand_is_compared(world, environment, sighting):
    """What is not at hand is said to be so, and is no mistake."""
    entry = await entry_marked_by(world, MARKING_KEY)
    source = Secrets(environment=environment, directory=None)
    assert sightings_of([(declaration("a"), entry)], MARKING_KEY, source) == {"a": {PATH: sighting}}


async def test_no_value_is_read_that_cannot_be_compared(world):
    """Without a mark, or under another key, the source is not asked."""
    entry = await entry_marked_by(world, MarkingKey.derive("o" * 32, LINEAGE))
    assert sightings_of([(declaration("a"), entry)], MARKING_KEY, Untouchable()) == {
        "a": {PATH: Sighting.OTHER_KEY}
    }
    bare = await entry_marked_by(World(), None)
    assert sightings_of([(declaration("a"), bare)], MARKING_KEY, Untouchable()) == {
        "a": {PATH: Sighting.UNTRACKED}
    }


def test_values_by_path():
    """Each value goes with the path that it fills."""
    assert CreateRequest(declaration=declaration("a"), values=("x",)).values_by_path == {PATH: "x"}
