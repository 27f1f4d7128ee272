"""Plans of exams with terms and sections: renaming and reordering create nothing twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from planning_cases import (
    COURSE,
    OTHER_COURSE,
    actions,
    codes,
    declaring,
    entry,
    exam,
    guard,
    intent,
    moves,
    payload,
    planned,
    removes,
    state,
    tells_apart,
)

from reconciler.model.declarations import Declaration
from reconciler.model.identities import CourseSid
from reconciler.model.payloads import digest_of
from reconciler.model.plan import Action
from reconciler.model.state import State


def section(
    key: str, *, of: str = "cs/mid", title: str | None = None, course: CourseSid = COURSE
) -> Declaration:
    """A section with a title of its own, and a URL that says nothing."""
    body = {**payload(f"Midterm {key}" if title is None else title), "url": "N/A"}
    return replace(exam(f"{of}/{key}", body, course=course), section=key)


def of_term(term: str, address: str = "cs/final", title: str = "Final") -> Declaration:
    """An exam of `term`."""
    return replace(
        exam(f"{term}/{address}", {**payload(title), "url": "https://lms.example.edu/1"}), term=term
    )


def created_from(*exams: Declaration) -> State:
    """A state in which `exams` exist."""
    return state({one.address: entry(number, one) for number, one in enumerate(exams, start=1)})


def test_a_renamed_section_is_not_created_again() -> None:
    """It looks like the section of the same exam and course that nothing declares any more."""
    plan = planned(declaring(section("01"), section("002")), created_from(section("001"), section("002")))
    refused = guard(plan, "same-exam")
    assert refused.addresses == ("cs/mid/001", "cs/mid/01")
    assert "has the course and list of sections of cs/mid/001" in refused.message
    assert "`moved: [{from: cs/mid/001, to: cs/mid/01}]` to a manifest." in refused.hint
    moved = planned(
        declaring(section("01"), section("002"), moved=moves(("cs/mid/001", "cs/mid/01"))),
        created_from(section("001"), section("002")),
    )
    assert codes(moved) == []
    assert actions(moved) == {"cs/mid/01": Action.MOVE, "cs/mid/002": Action.NOOP}


@pytest.mark.parametrize("is_in_doubt", [False, True])
def test_an_exam_that_gets_sections_is_not_created_again(is_in_doubt: bool) -> None:  # noqa: FBT001 - a case
    """The exam as it was before may be one of its sections."""
    before = exam("cs/mid", {**payload("Midterm"), "url": "N/A"})
    known = state(intents={"cs/mid": intent("1", before)}) if is_in_doubt else created_from(before)
    assert guard(planned(declaring(section("001")), known), "same-exam").addresses == ("cs/mid", "cs/mid/001")


@pytest.mark.parametrize("is_in_doubt", [False, True])
def test_an_exam_in_place_of_its_sections_is_not_created_again(is_in_doubt: bool) -> None:  # noqa: FBT001 - a case
    """The exam that nobody divides any more may be one of the sections that it had."""
    before, now = section("001"), exam("cs/mid", {**payload("Midterm"), "url": "N/A"})
    doubt = state(intents={before.address: intent("1", before)})
    known = doubt if is_in_doubt else created_from(before)
    assert guard(planned(declaring(now), known), "same-exam").addresses == ("cs/mid", "cs/mid/001")
    assert codes(planned(declaring(now, moved=moves(("cs/mid/001", "cs/mid"))), created_from(before))) == []
    assert codes(planned(declaring(now), created_from(section("001", course=OTHER_COURSE)))) == []


def test_a_new_section_is_created() -> None:
    """Sections that are declared, forgotten, told apart, of another course or another exam stop nothing."""
    new = section("003")
    assert codes(planned(declaring(section("001"), new), created_from(section("001")))) == []
    gone = created_from(section("001"))
    assert codes(planned(declaring(new), gone)) == ["same-exam"]
    assert codes(planned(declaring(new, removed=removes("cs/mid/001")), gone)) == []
    assert codes(planned(declaring(new, distinct=tells_apart(("cs/mid/003", "cs/mid/001"))), gone)) == []
    assert codes(planned(declaring(new), created_from(section("001", course=OTHER_COURSE)))) == []
    assert codes(planned(declaring(new), created_from(section("001", of="cs/final")))) == []


def test_exams_become_sections_with_one_glob() -> None:
    """Thirty exams that were written one by one keep their SIDs."""
    keys = [f"{number:03}" for number in range(1, 31)]
    before = [exam(f"cs/mid-{key}", section(key).payload) for key in keys]
    plan = planned(
        declaring(*map(section, keys), moved=moves(("cs/mid-*", "cs/mid/*"))), created_from(*before)
    )
    assert codes(plan) == []
    assert set(actions(plan).values()) == {Action.MOVE}


@given(
    before=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True),
    after=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True),
    is_titled=st.booleans(),
)
def test_no_renaming_creates_a_section_twice(before: list[str], after: list[str], is_titled: bool) -> None:  # noqa: FBT001 - drawn
    """While a section of a course exists that nothing declares, no other section of it is created."""
    title = None if is_titled else "Midterm"
    exams = [
        section(key, title=None if is_titled else f"{title} {number}") for number, key in enumerate(before)
    ]
    plan = planned(declaring(*(section(key) for key in after)), created_from(*exams))
    creates = {address for address, action in actions(plan).items() if action is Action.CREATE}
    gone = set(before) - set(after)
    assert bool(creates and gone) is ("same-exam" in codes(plan))


def test_last_terms_exam_stops_no_exam_of_this_term() -> None:
    """It has the same course, title and URL, is still declared, and was even edited since."""
    last, this = of_term("2031fa"), of_term("2032sp")
    assert codes(planned(declaring(last, this), created_from(last))) == []
    edited = replace(
        last, payload=(body := {**last.payload, "title": "Final, moved"}), digest=digest_of(body)
    )
    plan = planned(declaring(edited, this), created_from(last))
    assert (codes(plan), actions(plan)["2032sp/cs/final"]) == ([], Action.CREATE)


def test_within_a_term_one_exam_is_one() -> None:
    """An orphan of the term, and one that had no term, are what a create may be; hints say which manifest."""
    this = of_term("2032sp")
    for before in (
        of_term("2032sp", "cs/last"),
        of_term("2031fa"),
        replace(exam("cs/final", this.payload), term=None),
    ):
        refused = guard(planned(declaring(this), created_from(before)), "same-exam")
        assert (
            f"`moved: [{{from: {before.address}, to: 2032sp/cs/final}}]` to a manifest without `term:`."
            in refused.hint
        )
    twins = planned(declaring(this, of_term("2032sp", "cs/z")), state())
    assert (
        "distinct: [{exam: 2032sp/cs/final, from: 2032sp/cs/z}]` to a manifest without `term:`"
        in guard(twins, "same-exam").hint
    )


def test_an_exam_in_doubt_of_another_term_still_counts() -> None:
    """It may exist with any title, and nobody has looked yet."""
    last = of_term("2031fa")
    edited = replace(
        last, payload=(body := {**last.payload, "title": "Final, moved"}), digest=digest_of(body)
    )
    plan = planned(declaring(edited, of_term("2032sp")), state(intents={last.address: intent("1", last)}))
    assert "same-exam" in codes(plan)
