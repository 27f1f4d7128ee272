"""Acceptances: exams that were changed in the service to what is declared."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from planning_cases import (
    NOW,
    OTHER_COURSE,
    OTHER_INSTALL,
    accepts,
    actions,
    adopts,
    blocks_applied,
    codes,
    created,
    declaring,
    doubted,
    exam,
    line,
    moves,
    payload,
    planned,
    removes,
    sid,
    state,
)

from reconciler.model.errors import ResolutionRefused
from reconciler.model.identities import Address, AttemptId
from reconciler.model.payloads import digest_of
from reconciler.model.plan import Action
from reconciler.model.secret_fingerprints import FingerprintKey, SecretComparison
from reconciler.model.secrets import EnvSecret, SecretUse
from reconciler.model.state import Acceptance
from reconciler.planning.effects import apply_state_changes
from reconciler.planning.planner import make_plan
from reconciler.planning.state_edits import Editor, accept

LATER = NOW + timedelta(minutes=5)
NEW, NEWER = payload("new"), payload("newer")
DIGEST = digest_of(NEW)


def after(declared, known, fingerprints=None):
    """The state after an apply of the plan."""
    applied = blocks_applied(declared, known)
    plan = planned(declared, known)
    return apply_state_changes(plan, applied, now=LATER, by="ann", fingerprints=fingerprints or {})


def notes(declared, known):
    """Code and message of each note."""
    return [(one.code, one.message) for one in planned(declared, known).notes]


def the_note(declared, known):
    """The one note of a plan that accepts nothing."""
    plan = planned(declared, known)
    assert plan.count(Action.ACCEPT) == 0
    (only,) = plan.notes
    return only


def test_what_has_the_declared_digest_is_accepted():
    """The line shows bodies, difference and reason; the plan has no note, and its fingerprint covers it."""
    declared = declaring(exam("a", NEW), accepted=[accepts("a", NEW, "the dean asked")])
    known = state(created("a"))
    plan = planned(declared, known)
    found = line(plan, "a")
    assert (found.action, found.before, found.after) == (Action.ACCEPT, exam("a").payload, NEW)
    assert [(one.path, one.before, one.after) for one in found.diff] == [("title", "Exam a", "new")]
    assert (found.sid, found.digest, found.reason) == (sid(1), DIGEST, "the dean asked")
    assert plan.notes == ()
    assert plan.to_make == (found,)
    assert plan.fingerprint != planned(declaring(exam("a", NEW)), known).fingerprint


def test_state_takes_the_declared_body_and_keeps_who_said_so():
    """SID, course and time of the create stay, and nothing is left to do."""
    declared = declaring(exam("a", NEW), accepted=[accepts("a", NEW, "the dean asked")])
    known = state(created("a"))
    left = after(declared, known)
    assert left.exams["a"] == replace(known.exams["a"], digest=DIGEST, payload=NEW)
    assert left.acceptances == (
        Acceptance(
            address=Address("a"),
            sid=sid(1),
            before=exam("a").digest,
            digest=DIGEST,
            by="ann",
            at=LATER,
            reason="the dean asked",
        ),
    )
    assert actions(planned(declared, left)) == {"a": Action.NOOP}
    assert notes(declared, left) == [("done", "the acceptance of a is done: state has what is declared")]
    assert after(declared, left) == left


def test_another_digest_is_a_note_with_the_right_one():
    """The exam stays `changed`, and state stays as it is."""
    declared, known = declaring(exam("a", NEWER), accepted=[accepts("a", NEW)]), state(created("a"))
    note = the_note(declared, known)
    assert note.code == "not-accepted"
    assert note.hint.endswith(f"write digest: {digest_of(NEWER)}")
    assert actions(planned(declared, known)) == {"a": Action.CHANGED}
    assert after(declared, known) == known


def test_a_block_serves_once():
    """Left in place, it does not accept the same content a second time, after others in between."""
    first = declaring(exam("a", NEW), accepted=[accepts("a", NEW)])
    second = declaring(exam("a", NEWER), accepted=[accepts("a", NEWER)])
    known = after(second, after(first, state(created("a"))))
    note = the_note(first, known)
    assert note.code == "not-accepted"
    assert "its block was applied by ann" in note.message
    assert "`reconciler accept a`" in note.hint
    assert actions(planned(first, known)) == {"a": Action.CHANGED}
    again = declaring(exam("a", NEW), accepted=[accepts("a", NEW, "back again")])
    assert actions(planned(again, known)) == {"a": Action.ACCEPT}


@pytest.mark.parametrize(
    ("declared", "known", "code", "said"),
    [
        (
            declaring("ab/cd", accepted=[accepts("ab/ce", NEW)]),
            state(created("ab/cd")),
            "points-nowhere",
            "ab/cd",
        ),
        (declaring(accepted=[accepts("a", NEW)]), state(created("a")), "points-nowhere", "removed"),
        (
            declaring(exam("a", NEW), accepted=[accepts("a", NEW)]),
            state(),
            "points-nowhere",
            "imports: [{exam: a,",
        ),
        (
            declaring(exam("a", NEW), accepted=[accepts("a", NEW)]),
            state(intents=doubted("a")),
            "doubt-remains",
            "`reconciler state show a`",
        ),
        (
            declaring(exam("b", NEW), moved=moves(("a", "b")), accepted=[accepts("b", NEW)]),
            state(intents=doubted("a")),
            "doubt-remains",
            "Settle that first",
        ),
        (
            declaring(exam("a", NEW), imports=[adopts("a", 9)], accepted=[accepts("a", NEW)]),
            state(),
            "done",
            "removed",
        ),
        (
            declaring(exam("a", NEW), imports=[adopts("a", 9)], accepted=[accepts("a", NEW)]),
            state(intents=doubted("a")),
            "not-accepted",
            "The plan after that",
        ),
    ],
)
def test_a_block_that_cannot_be_carried_out_is_a_note(declared, known, code, said):
    """With what to do, and nothing else: no exam of state changes by it."""
    note = the_note(declared, known)
    assert note.code == code
    assert said in note.hint
    assert after(declared, known).acceptances == ()


@pytest.mark.parametrize("elsewhere", [{"course": OTHER_COURSE}, {"install": OTHER_INSTALL}])
def test_another_course_or_install_is_never_accepted(elsewhere):
    """That would be another exam: the guard stays, and it alone speaks."""
    declared = declaring(exam("a", NEW, **elsewhere), accepted=[accepts("a", NEW)])
    plan = planned(declared, state(created("a")))
    assert (codes(plan), actions(plan), plan.notes) == (["other-course"], {"a": Action.CHANGED}, ())


@pytest.mark.parametrize("named", ["old", "new"])
def test_an_exam_moves_and_is_accepted_at_once(named):
    """Under either name, in one plan, and the next one has nothing to do."""
    declared = declaring(exam("new", NEW), moved=moves(("old", "new")), accepted=[accepts(named, NEW)])
    known = state(created("old"))
    plan = planned(declared, known)
    assert [(one.action, one.address, one.moved_from) for one in plan.changes] == [
        (Action.ACCEPT, "new", "old")
    ]
    left = after(declared, known)
    assert left.exams == {"new": replace(known.exams["old"], digest=DIGEST, payload=NEW)}
    assert planned(declared, left).to_make == ()
    assert [code for code, _ in notes(declared, left)] == ["done"]


def test_an_import_that_settles_is_accepted_by_the_next_plan():
    """It is entered as it was sent, then as it is declared; nothing is ever created."""
    declared = declaring(exam("a", NEW), imports=[adopts("a", 9)], accepted=[accepts("a", NEW)])
    entered = after(declared, state(intents=doubted("a")))
    assert entered.exams["a"].payload == exam("a").payload
    assert actions(planned(declared, entered)) == {"a": Action.ACCEPT}
    assert actions(planned(declared, after(declared, entered))) == {"a": Action.NOOP}


def test_what_was_accepted_and_removed_later_is_done():
    """Both blocks may stay."""
    left = after(declaring(exam("a", NEW), accepted=[accepts("a", NEW)]), state(created("a")))
    gone = declaring(removed=removes("a"), accepted=[accepts("a", NEW)])
    assert [code for code, _ in notes(gone, left)] == ["done"]
    assert notes(gone, after(gone, left))[0][1].startswith("2 blocks are done")


def test_the_former_title_of_an_accepted_exam_is_free():
    """Another exam may be created under it in the same plan."""
    twin = exam("b", exam("a").payload)
    assert codes(planned(declaring(exam("a", NEW), twin), state(created("a")))) == ["same-exam"]
    declared = declaring(exam("a", NEW), twin, accepted=[accepts("a", NEW)])
    plan = planned(declared, state(created("a")))
    assert (codes(plan), actions(plan)) == ([], {"a": Action.ACCEPT, "b": Action.CREATE})


KEY = FingerprintKey.derive("k" * 32, "lineage")
PATH = ("configuration", "password")


def guarded(name, body="Exam a"):
    """A declaration of the exam `a` whose password is in the variable `name`."""
    content = payload(body, password=EnvSecret(name).reference)
    return replace(exam("a", content), secrets=(SecretUse(PATH, EnvSecret(name)),))


def fingerprints(value):
    """The fingerprint of the password `value`."""
    return KEY.fingerprints_of(AttemptId("1"), {"configuration.password": value})


def held(declaration, value):
    """A state that holds `declaration`, sent with the password `value`."""
    entry = replace(created("a")["a"], digest=declaration.digest, payload=declaration.payload)
    return state({"a": replace(entry, secrets=fingerprints(value))})


def test_the_fingerprint_of_the_present_password_is_taken():
    """So the password that the exam has now is the one that later plans compare with."""
    declared = guarded("EXAM_SECRET_B")
    known = held(guarded("EXAM_SECRET_A"), "old")
    block = accepts("a", declared.payload)
    left = after(declaring(declared, accepted=[block]), known, {"a": fingerprints("new")})
    assert left.exams["a"].secrets == fingerprints("new")


@pytest.mark.parametrize(("name", "kept"), [("EXAM_SECRET_A", True), ("EXAM_SECRET_B", False)])
def test_a_password_of_unknown_value_keeps_its_fingerprint_only_under_its_reference(name, kept):
    """Under another reference the old fingerprint would be of another secret."""
    declared = guarded(name, "new")
    left = after(
        declaring(declared, accepted=[accepts("a", declared.payload)]), held(guarded("EXAM_SECRET_A"), "old")
    )
    assert left.exams["a"].secrets == (fingerprints("old") if kept else None)


def test_a_block_never_accepts_the_value_of_a_password():
    """The digest does not cover it: a block that was left in place would accept each later value unseen."""
    declared = guarded("EXAM_SECRET_A")
    declaration = declaring(declared, accepted=[accepts("a", declared.payload)])
    applied = blocks_applied(declaration, held(declared, "old"))
    differs = {"a": {"configuration.password": SecretComparison.DIFFERS}}
    plan = make_plan(applied, now=NOW, comparisons=differs)
    assert actions(plan) == {"a": Action.CHANGED}


def accepted(known, *addresses, exams=(), prints=None, reason=None):
    """`known` after the command."""
    return accept(
        known,
        [Address(one) for one in addresses],
        {one.address: one for one in exams},
        Editor(by="ann", at=LATER),
        reason=reason,
        fingerprints=prints or {},
    )


def test_the_command_does_what_the_block_does():
    """Both ways end in the same state."""
    known = state(created("a", "b"))
    exams = [exam("a", NEW), exam("b", NEWER)]
    by_block = after(declaring(*exams, accepted=[accepts("a", NEW, "x"), accepts("b", NEWER, "x")]), known)
    assert accepted(known, "a", "b", exams=exams, reason="x") == by_block


def test_the_command_accepts_the_value_of_a_password():
    """It is said by a person, now, and not by a block that stays."""
    declared = guarded("EXAM_SECRET_A")
    known = held(declared, "old")
    left = accepted(known, "a", exams=[declared], prints={"a": fingerprints("new")})
    assert left.exams["a"] == replace(known.exams["a"], secrets=fingerprints("new"))
    assert [(one.before, one.digest) for one in left.acceptances] == [(declared.digest, declared.digest)]


def test_the_command_names_all_that_is_wrong_and_changes_nothing():
    """One error for all, each address with its reason."""
    known = state(created("a", "b", "c"), doubted("d"))
    exams = [exam("a", NEW), exam("b"), exam("c", NEW, course=OTHER_COURSE), exam("d", NEW), exam("e")]
    with pytest.raises(ResolutionRefused) as refused:
        accepted(known, *"abcdef", exams=exams)
    said = refused.value.message.split("; ")
    assert [one[0] for one in said] == list("bcdef")
    assert "nothing to accept" in said[0]
    assert "another course or install" in said[1]
    assert "is in doubt" in said[2]
    assert "is not in state" in said[3]
    assert "is not declared" in said[4]
    assert refused.value.hint.startswith("Nothing was changed.")
