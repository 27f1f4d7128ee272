"""Settling by hand: an in-doubt exam ends one way or the other, and nothing else can be settled."""

import pytest
from planning_cases import NOW, created, doubted, exam, payload, sid, state

from reconciler.model.errors import ResolutionRefused
from reconciler.model.identities import Address, AttemptId
from reconciler.model.state import Resolution, ResolutionMethod
from reconciler.planning.state_edits import Editor, adopt, settle

EDITOR = Editor(by="jdoe@desk", at=NOW)
BEFORE = state(created("a"), doubted("b", "c"))


def test_a_doubt_settled_as_created_keeps_what_was_sent():
    """The entry is the intent's, with the SID that a person found."""
    after = settle(BEFORE, Address("b"), sid(9), EDITOR)
    assert after.exams["b"].sid == sid(9)
    assert after.exams["b"].digest == BEFORE.intents["b"].digest
    assert set(after.intents) == {"c"}
    assert after.serial == BEFORE.serial


def test_a_doubt_settled_as_absent_is_gone():
    """The next plan creates it."""
    after = settle(BEFORE, Address("b"), None, EDITOR)
    assert set(after.intents) == {"c"}
    assert after.exams == BEFORE.exams


def test_an_adopted_exam_is_as_declared():
    """What an exam that nobody tried to create looks like cannot be read; no doubt ended."""
    after = adopt(BEFORE, exam("x", payload("edited")), sid(9), EDITOR)
    assert after.exams["x"].payload == payload("edited")
    assert (after.intents, after.resolutions) == (BEFORE.intents, ())


def test_an_adopted_exam_that_was_in_doubt_is_as_sent():
    """Adopting ends a doubt too; what was found is what was sent, however it is declared now."""
    after = adopt(BEFORE, exam("b", payload("edited")), sid(9), EDITOR)
    assert after.exams == settle(BEFORE, Address("b"), sid(9), EDITOR).exams
    assert set(after.intents) == {"c"}


@pytest.mark.parametrize(
    ("settle", "found", "how"),
    [
        (lambda: settle(BEFORE, Address("b"), sid(9), EDITOR), sid(9), ResolutionMethod.RESOLVE_SID),
        (lambda: settle(BEFORE, Address("b"), None, EDITOR), None, ResolutionMethod.RESOLVE_ABSENT),
        (lambda: adopt(BEFORE, exam("b"), sid(9), EDITOR), sid(9), ResolutionMethod.IMPORT_COMMAND),
    ],
    ids=["sid", "absent", "import"],
)
def test_who_settled_a_doubt_is_recorded(settle, found, how):
    """With the attempt that it was about, when and by which way."""
    (resolution,) = settle().resolutions
    assert resolution == Resolution(
        address=Address("b"), attempt=AttemptId("try-b"), sid=found, by="jdoe@desk", at=NOW, how=how
    )


@pytest.mark.parametrize("attempt", [None, "try-b"])
def test_a_named_attempt_is_the_one_that_is_settled(attempt):
    """Naming it changes nothing where it is the one in doubt."""
    assert set(settle(BEFORE, Address("b"), None, EDITOR, attempt=attempt).intents) == {"c"}


@pytest.mark.parametrize(
    ("address", "known", "said"),
    [
        ("cs101/qiuz", state(intents=doubted("cs101/quiz", "other")), "Did you mean cs101/quiz?"),
        ("x", state(), "Nothing is in doubt."),
        ("x", state(intents=doubted(*"abcdefg")), "In doubt: a, b, c, d, e and 2 more."),
        ("b", settle(BEFORE, Address("b"), None, EDITOR), "`resolve --absent` before, by jdoe@desk"),
        ("a", BEFORE, f"created already, as {sid(1)}"),
    ],
    ids=["typing mistake", "nothing", "many", "settled before", "created"],
)
def test_a_refusal_says_what_may_have_been_meant(address, known, said):
    """The nearest doubt, or those that there are, or what became of this one."""
    with pytest.raises(ResolutionRefused) as caught:
        settle(known, Address(address), None, EDITOR)
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint.startswith("Nothing was changed.")


@pytest.mark.parametrize(
    "settle",
    [
        lambda: settle(BEFORE, Address("a"), sid(9), EDITOR),
        lambda: settle(BEFORE, Address("x"), sid(9), EDITOR),
        lambda: settle(BEFORE, Address("b"), sid(1), EDITOR),
        lambda: settle(BEFORE, Address("a"), None, EDITOR),
        lambda: settle(BEFORE, Address("x"), None, EDITOR),
        lambda: settle(BEFORE, Address("b"), None, EDITOR, attempt="older"),
        lambda: settle(BEFORE, Address("b"), sid(9), EDITOR, attempt="older"),
        lambda: adopt(BEFORE, exam("a"), sid(9), EDITOR),
        lambda: adopt(BEFORE, exam("x"), sid(1), EDITOR),
    ],
    ids=[
        "created",
        "unknown",
        "SID taken",
        "absent created",
        "absent unknown",
        "absent, another attempt",
        "created, another attempt",
        "adopt twice",
        "adopt taken",
    ],
)
def test_what_does_not_fit_the_state_is_refused(settle):
    """A wrong address or a SID that another holds changes nothing."""
    with pytest.raises(ResolutionRefused, match=r"held by|in state already|not in doubt|not older"):
        settle()
