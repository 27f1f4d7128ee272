"""What a pushed state must not lose."""

import pytest
from msgspec.structs import replace
from state_builders import LINEAGE, NOW, entry, intent, resolution, sid, state

from reconciler.model.errors import PushRefused
from reconciler.model.state import Acceptance
from reconciler.state.pushing import refuse_push


def push(present, pushed):
    """Push."""
    refuse_push(present, pushed, "file:x", forget=0)


def test_a_push_is_later_and_of_the_same_history():
    """Neither an older state, nor another of the same serial, nor that of another workspace."""
    present = state({"a": entry(1)})
    push(present, replace(present, serial=4))
    for pushed, said in (
        (replace(present, serial=2), "is older than"),
        (replace(present, exams={}), "differs from"),
        (replace(present, serial=4, lineage=LINEAGE.replace("0", "1")), "the lineage"),
    ):
        with pytest.raises(PushRefused, match=said):
            push(present, pushed)


def test_a_push_never_forgets_a_doubt():
    """An intent that vanished without a trace would have its exam sent again."""
    doubtful = state(intents={"a": intent("t1")})
    unvouched = replace(doubtful, serial=5, intents={}, exams={"a": entry(1)})
    for pushed in (
        replace(doubtful, serial=5, intents={}),
        unvouched,
        replace(doubtful, serial=5, intents={"a": intent("t2")}),
    ):
        with pytest.raises(PushRefused, match="in doubt: a"):
            push(doubtful, pushed)
    push(doubtful, unvouched.with_resolutions(resolution("a", "t1", 1)))


def test_a_push_never_forgets_who_accepted_a_change():
    """As with doubts: what a person vouched for stays."""
    accepted = Acceptance(
        address="a", sid=sid(1), before=entry(1).digest, digest=entry(1, "x").digest, by="someone", at=NOW
    )
    known = replace(state(), acceptances=(accepted,))
    with pytest.raises(PushRefused, match="which changes were accepted: a"):
        push(known, replace(known, serial=5, acceptances=()))
    push(known, replace(known, serial=5))


def test_a_push_never_forgets_who_settled_a_doubt():
    """Resolutions may be added, and a doubt may come back with them, but none may go."""
    settled = state().with_resolutions(resolution("a", "t1", 1))
    with pytest.raises(PushRefused, match="how doubts were settled: a"):
        push(settled, replace(settled, serial=5, resolutions=()))
    back = replace(settled, serial=5, intents={"a": intent("t1")})
    push(settled, back)
    with pytest.raises(PushRefused, match="in doubt: a"):  # the resolution of old is not one of this doubt
        push(back, replace(back, serial=6, intents={}))
    push(back, replace(back, serial=6, intents={}).with_resolutions(resolution("a", "t1", None)))
