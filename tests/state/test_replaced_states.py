"""Push and restore: a state that replaces another forgets no exam without a word, and no doubt at all."""

import pytest
from msgspec.structs import replace
from state_builders import LINEAGE, NOW, began, created, doubted, entry, intent, resolution, sid, state

from reconciler.model.errors import PushRefused
from reconciler.model.state import Acceptance
from reconciler.state.log_format import DecodedLog
from reconciler.state.pushing import refuse_push
from reconciler.state.restoring import rebuilt, restored


def many(number):
    """A state with `number` exams."""
    return state(exams={f"cs/{one:02}": entry(one) for one in range(number)})


def push(present, pushed, forget=0):
    """Push `pushed`, as the next serial."""
    refuse_push(present, replace(pushed, serial=present.serial + 1), "file:s.json", forget=forget)


def test_a_push_says_how_many_exams_it_forgets():
    """The exact number: then it is no accident."""
    with pytest.raises(PushRefused, match=r"forgets 2 created exams: cs/00, cs/01$") as caught:
        push(many(2), state())
    assert "--forget 2" in caught.value.hint
    for wrong in (1, 3):
        with pytest.raises(PushRefused, match="forgets 2"):
            push(many(2), state(), wrong)
    push(many(2), state(), 2)
    push(many(2), many(3))
    with pytest.raises(PushRefused, match=r"forgets 0 created exams$"):
        push(many(2), many(3), 1)


def test_the_first_ten_are_named():
    """And how many there are."""
    with pytest.raises(PushRefused, match=r"forgets 12 created exams: cs/00, .*cs/09 and 2 more$"):
        push(many(12), state())


def test_an_exam_that_moves_is_not_forgotten():
    """Its SID is what counts, and an address with another SID does forget one."""
    push(state(exams={"a": entry(1)}), state(exams={"b": entry(1)}))
    with pytest.raises(PushRefused, match=r"forgets 1 created exam: a$"):
        push(state(exams={"a": entry(1)}), state(exams={"a": entry(2)}))


OLDER = replace(state(exams={"a": entry(1), "b": entry(2)}), serial=2)
PRESENT = replace(
    state(exams={"a2": entry(1), "c": entry(3)}, intents={"d": intent("t4")}), serial=9
).with_resolutions(resolution("e", "t5", None))
ACCEPTED = Acceptance(
    address="a", sid=sid(1), before=entry(1).digest, digest=entry(1, "New").digest, by="me", at=NOW
)


def restore(older, present, *, seen=0, forget=0):
    """The state after `older` was restored."""
    return restored(older, present, seen=seen, forget=forget)


def test_an_older_state_comes_back_with_what_happened_since():
    """Its addresses, its exams, and all exams, doubts and resolutions that it lacks."""
    after = restore(OLDER, PRESENT)
    assert after.exams == {"a": entry(1), "b": entry(2), "c": entry(3)}
    assert after.intents == PRESENT.intents
    assert after.resolutions == PRESENT.resolutions
    assert after.serial == 10


def test_the_serial_is_above_what_was_seen():
    """So that no machine takes it for an older one."""
    assert restore(OLDER, PRESENT, seen=40).serial == 41
    assert restore(replace(OLDER, serial=50), PRESENT, seen=40).serial == 51


def test_exams_go_only_if_their_number_is_confirmed():
    """Doubts and resolutions stay even then."""
    after = restore(OLDER, PRESENT, forget=1)
    assert after.exams == OLDER.exams
    assert (after.intents, after.resolutions) == (PRESENT.intents, PRESENT.resolutions)
    with pytest.raises(PushRefused, match=r"forgets 1 created exam: c$"):
        restore(OLDER, PRESENT, forget=2)


def test_what_is_known_of_an_exam_does_not_get_older():
    """An acceptance since then stays, and so does the digest that it gave."""
    present = replace(PRESENT, exams={"a": entry(1, "New")}, acceptances=(ACCEPTED,))
    after = restore(OLDER, present)
    assert after.exams["a"] == entry(1, "New")
    assert after.acceptances == (ACCEPTED,)
    assert restore(replace(OLDER, acceptances=(ACCEPTED,)), present).acceptances == (ACCEPTED,)


def test_a_doubt_of_then_that_was_settled_since_does_not_come_back():
    """By a resolution, or because its outcome came from a recovery file."""
    older = state(intents={"a": intent("t1"), "b": intent("t2")})
    came = intent("t2").as_created(sid(2), NOW)
    present = state(exams={"b": came}).with_resolutions(resolution("a", "t1", None))
    after = restore(older, present)
    assert (after.exams, after.intents) == ({"b": came}, {})
    assert restore(older, state()).intents == older.intents


def test_two_exams_at_one_address_are_left_to_a_person():
    """Neither may be forgotten: one has to move first."""
    for older, present in (
        (state(exams={"a": entry(1)}), state(exams={"a": entry(2)})),
        (state(exams={"a": entry(1)}), state(intents={"a": intent("t1")})),
        (state(intents={"a": intent("t1", "Old")}), state(exams={"a": entry(2, "New")})),
        (state(intents={"a": intent("t1")}), state(intents={"a": intent("t2")})),
    ):
        with pytest.raises(PushRefused, match=r"something else at a$"):
            restore(older, present)


def test_a_state_of_another_lineage_is_not_restored():
    """It is another environment's."""
    other = replace(OLDER, lineage="1" + LINEAGE[1:])
    with pytest.raises(PushRefused, match="lineage"):
        restore(other, PRESENT)
    with pytest.raises(PushRefused, match="lineage"):
        rebuilt(other, [log_of()], seen=0)


def log_of(*records, serial=2):
    """A log with `records`."""
    return DecodedLog(lineage=LINEAGE, serial=serial, records=records, lock=None, is_early=False)


def test_a_state_that_is_gone_comes_back_with_its_log():
    """What was sent is created or in doubt; locks say nothing."""
    older = replace(OLDER, exams={"a": entry(1)})
    log = log_of(
        began("b", "t2"), created("b", "t2", 2), began("c", "t3"), began("d", "t4"), doubted("d", "t4")
    )
    after = rebuilt(older, [log], seen=0)
    assert after.exams == {"a": entry(1), "b": intent("t2").as_created(sid(2), NOW)}
    assert after.intents.keys() == {"c", "d"}
    assert after.serial == 3
    assert rebuilt(older, [], seen=7) == replace(older, serial=8)


def test_a_log_that_says_otherwise_is_not_overruled():
    """What it says was sent cannot be where the older state has another exam."""
    with pytest.raises(PushRefused, match="says otherwise: a was in doubt"):
        rebuilt(OLDER, [log_of(began("a", "t1"))], seen=0)
