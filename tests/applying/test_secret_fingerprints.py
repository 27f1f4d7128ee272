"""Marks: they tell the same value from another, to the holder of the key only."""

import pytest
from applying_fakes import PASSWORD, START, World, declaration

from reconciler.applying.requests import CreateRequest
from reconciler.model.identities import AttemptId, ExamSid
from reconciler.model.records import IntentRecord
from reconciler.model.secret_fingerprints import FingerprintKey, SecretComparison
from reconciler.secret_sources import Secrets, compare_secrets

KEY = "k" * 32
LINEAGE = "0d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10"
PATH = "configuration.password"
FINGERPRINT_KEY = FingerprintKey.derive(KEY, LINEAGE)


@pytest.fixture
def world():
    """An executor among fakes."""
    return World()


def digest(key, *, attempt="t1", value=PASSWORD):
    """The digest that `key` makes."""
    return key.fingerprints_of(AttemptId(attempt), {PATH: value}).digests[PATH]


def test_a_mark_knows_its_value_and_no_other():
    """The same key, attempt, path and value, and only these, give the same digest."""
    fingerprints = FINGERPRINT_KEY.fingerprints_of(AttemptId("t1"), {PATH: PASSWORD})
    assert FINGERPRINT_KEY.matches(fingerprints, PATH, PASSWORD)
    assert not FINGERPRINT_KEY.matches(fingerprints, PATH, PASSWORD + "x")
    assert digest(FINGERPRINT_KEY) != digest(FINGERPRINT_KEY, attempt="t2")
    assert digest(FINGERPRINT_KEY) != digest(FingerprintKey.derive(KEY, LINEAGE.replace("0", "1")))
    assert FINGERPRINT_KEY.fingerprints_of(AttemptId("t1"), {"other": PASSWORD}).digests["other"] != digest(
        FINGERPRINT_KEY
    )


def test_another_key_is_recognised():
    """So that a rotated key does not look as if every password had changed."""
    other = FingerprintKey.derive("o" * 32, LINEAGE)
    fingerprints = FINGERPRINT_KEY.fingerprints_of(AttemptId("t1"), {PATH: PASSWORD})
    assert FingerprintKey.derive(KEY, LINEAGE).made(fingerprints)
    assert not other.made(fingerprints)


def test_nothing_that_is_secret_shows():
    """Neither the key nor what is derived from it is in a repr, and no value is in a mark."""
    fingerprints = FINGERPRINT_KEY.fingerprints_of(AttemptId("t1"), {PATH: PASSWORD})
    assert repr(FINGERPRINT_KEY) == "FingerprintKey()"
    assert PASSWORD not in repr(fingerprints)


async def test_marks_are_durable_with_the_intent(world):
    """They are there before anything is sent, bound to that very attempt, and stay however a doubt ends."""
    world.fingerprint_key = FINGERPRINT_KEY
    await world.apply("a", "b")
    intents = [one.intent for one in world.log.records if isinstance(one, IntentRecord)]
    for intent in intents:
        assert intent.secrets == FINGERPRINT_KEY.fingerprints_of(intent.attempt, {PATH: PASSWORD})
        assert intent.as_created(ExamSid("EX" + "0" * 32), START).secrets == intent.secrets
    assert len({intent.secrets.digests[PATH] for intent in intents}) == 2


async def test_without_a_key_nothing_is_marked(world):
    """Intents are as they would be without this feature."""
    await world.apply("a")
    assert [one.intent.secrets for one in world.log.records if isinstance(one, IntentRecord)] == [None]


class Untouchable:
    """A source that must not be asked."""

    def value_of(self, secret):
        """Fails."""
        raise AssertionError(secret)


async def entry_marked_by(world, key):
    """The entry of an exam that was created with `key`."""
    world.fingerprint_key = key
    await world.apply("a")
    intent = next(one.intent for one in world.log.records if isinstance(one, IntentRecord))
    return intent.as_created(ExamSid("EX" + "0" * 32), START)


@pytest.mark.parametrize(
    ("environment", "comparison"),
    [
        ({"EXAM_SECRET_X": PASSWORD}, SecretComparison.SAME),
        ({"EXAM_SECRET_X": "other"}, SecretComparison.DIFFERS),
        ({}, SecretComparison.UNAVAILABLE),
    ],
)
async def test_a_value_at_hand_is_compared(world, environment, comparison):
    """What is not at hand is said to be so, and is no mistake."""
    entry = await entry_marked_by(world, FINGERPRINT_KEY)
    source = Secrets(environment=environment, directory=None)
    assert compare_secrets([(declaration("a"), entry)], FINGERPRINT_KEY, source) == {"a": {PATH: comparison}}


async def test_no_value_is_read_that_cannot_be_compared(world):
    """Without a mark, or under another key, the source is not asked."""
    entry = await entry_marked_by(world, FingerprintKey.derive("o" * 32, LINEAGE))
    assert compare_secrets([(declaration("a"), entry)], FINGERPRINT_KEY, Untouchable()) == {
        "a": {PATH: SecretComparison.OTHER_KEY}
    }
    bare = await entry_marked_by(World(), None)
    assert compare_secrets([(declaration("a"), bare)], FINGERPRINT_KEY, Untouchable()) == {
        "a": {PATH: SecretComparison.UNTRACKED}
    }


def test_values_by_path():
    """Each value goes with the path that it fills."""
    assert CreateRequest(declaration=declaration("a"), values=("x",)).values_by_path == {PATH: "x"}
