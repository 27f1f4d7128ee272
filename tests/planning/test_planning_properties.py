"""What holds of every plan, over any declarations and any state."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from planning_cases import (
    COURSE,
    INSTALL,
    LINEAGE,
    NOW,
    OTHER_COURSE,
    blocks_applied,
    created,
    declaring,
    entry,
    exam,
    payload,
    planned,
    sid,
    state,
)

from reconciler.model.declarations import (
    Absence,
    AcceptedChange,
    Declared,
    Distinction,
    Import,
    Move,
    Removal,
)
from reconciler.model.diagnostics import Position
from reconciler.model.errors import UsageError
from reconciler.model.identities import Address, AttemptId
from reconciler.model.payloads import digest_of
from reconciler.model.plan import Action
from reconciler.model.state import Entry, Intent, State
from reconciler.planning.effects import apply_state_changes, planned_creates
from reconciler.planning.expectations import check_expectation
from reconciler.planning.planner import make_plan

# Few of each, so that blocks meet each other and the state.
ADDRESSES = st.sampled_from([Address(name) for name in "abcde"])
BODIES = st.sampled_from(
    [
        payload("One"),
        payload("one ", duration=True),
        payload("Two", duration=1, examCloseDate="2020-01-01T00:00:00.000Z"),
        {**payload("Three"), "url": "https://lms.example.edu/quiz/1"},
        {**payload("Four", apiExamId="q"), "url": "https://LMS.example.edu/quiz/1/"},
        {**payload("Five", apiExamId="q"), "url": "n/a"},
        {},
    ]
)
COURSES = st.sampled_from([COURSE, OTHER_COURSE])
SIDS = st.integers(1, 4).map(sid)
ATTEMPTS = st.sampled_from([AttemptId("1"), AttemptId("2")])
GLOBS = st.sampled_from([*(Address(name) for name in "abcde"), Address("*"), Address("?"), Address("a*")])
GLOB_MOVES = st.sampled_from(
    [(Address(one), Address(two)) for one, two in [("*", "a*"), ("a*", "b*"), ("*", "*"), ("b*", "*")]]
)
PLACES = st.builds(Position, st.sampled_from(["a.yaml", "b.yaml"]), st.integers(1, 9), st.just(1))
EXAMS = st.builds(
    lambda at, body, course, place: exam(at, body, course=course, at=place),
    ADDRESSES,
    BODIES,
    COURSES,
    PLACES,
)


@st.composite
def declarations(draw):
    """Any declarations, with blocks that may contradict each other and all else."""
    return Declared(
        exams=tuple(draw(st.lists(EXAMS, max_size=5, unique_by=lambda one: one.address))),
        imports=tuple(
            draw(st.lists(st.builds(Import, address=ADDRESSES, sid=SIDS, declared_at=PLACES), max_size=3))
        ),
        moves=(
            *draw(
                st.lists(st.builds(Move, source=ADDRESSES, address=ADDRESSES, declared_at=PLACES), max_size=4)
            ),
            *(
                Move(source=one, address=two, declared_at=draw(PLACES))
                for one, two in draw(st.lists(GLOB_MOVES, max_size=2))
            ),
        ),
        removals=tuple(draw(st.lists(st.builds(Removal, address=GLOBS, declared_at=PLACES), max_size=2))),
        absences=tuple(
            draw(
                st.lists(
                    st.builds(Absence, address=ADDRESSES, attempt=ATTEMPTS, declared_at=PLACES), max_size=2
                )
            )
        ),
        accepted=tuple(
            draw(
                st.lists(
                    st.builds(
                        AcceptedChange,
                        address=ADDRESSES,
                        digest=BODIES.map(digest_of),
                        declared_at=PLACES,
                        reason=st.sampled_from([None, "moved"]),
                    ),
                    max_size=3,
                )
            )
        ),
        distinctions=tuple(
            draw(st.lists(st.builds(Distinction, address=GLOBS, other=GLOBS, declared_at=PLACES), max_size=2))
        ),
    )


@st.composite
def states(draw):
    """Any state that keeps its own rules: an address is created or in doubt, and no SID is held twice."""
    addresses = draw(st.lists(ADDRESSES, unique=True))
    numbers = draw(st.permutations([1, 2, 3, 4, 5]))
    exams: dict[Address, Entry] = {}
    intents: dict[Address, Intent] = {}
    for address, number in zip(addresses, numbers, strict=False):
        body, course = draw(BODIES), draw(COURSES)
        if draw(st.booleans()):
            exams[address] = entry(number, exam(address, body, course=course))
        else:
            intents[address] = Intent(
                attempt=draw(ATTEMPTS),
                digest=digest_of(body),
                install_sid=INSTALL,
                course_sid=course,
                payload=body,
                started_at=NOW,
                by="a test",
            )
    return State(lineage=LINEAGE, serial=1, exams=exams, intents=intents)


def applied(plan, declared, known):
    """The state after all of `plan`: its effects, and an entry for each create."""
    left = apply_state_changes(plan, blocks_applied(declared, known), now=NOW, by="a test")
    made = {
        one.address: entry(100 + number, one)
        for number, one in enumerate(planned_creates(plan, blocks_applied(declared, known)))
    }
    assert made.keys().isdisjoint(left.exams.keys() | left.intents.keys())
    return replace(left, exams={**left.exams, **made})


@given(declared=declarations(), known=states())
def test_nothing_is_left_to_make_after_an_apply(declared, known):
    """Planning after a full apply has nothing to make but to accept what an import has just settled."""
    plan = planned(declared, known)
    if any(guard.code in {"import-conflict", "move-conflict", "same-exam"} for guard in plan.guards):
        return
    after = applied(plan, declared, known)
    left = planned(declared, after)
    imported = {change.address for change in plan.having(Action.IMPORT) if change.before is not None}
    assert {change.address for change in left.to_make} <= imported
    assert {change.action for change in left.to_make} <= {Action.ACCEPT}
    assert planned(declared, applied(left, declared, after)).to_make == ()


@given(declared=declarations(), known=states())
def test_only_what_is_declared_is_accepted_and_each_is_recorded(declared, known):
    """An accepted exam exists, stays in its course, gets the declared body, and leaves one acceptance."""
    plan = planned(declared, known)
    left = apply_state_changes(plan, blocks_applied(declared, known), now=NOW, by="a test")
    lines = plan.having(Action.ACCEPT)
    said = {(block.digest, block.reason) for block in declared.accepted}
    for change in lines:
        before = known.exams[change.moved_from or change.address]
        assert left.exams[change.address] == replace(before, digest=change.digest, payload=change.after)
        assert (before.sid, before.course_sid) == (change.sid, change.course_sid)
        assert (change.digest, change.reason) in said
        assert change.is_sealed
    assert [(one.address, one.sid, one.digest, one.reason) for one in left.acceptances] == [
        (change.address, change.sid, change.digest, change.reason) for change in lines
    ]


@given(declared=declarations(), known=states())
def test_no_doubt_ends_without_a_trace(declared, known):
    """Each intent that an apply ends has exactly one resolution, with the SID of the entry that it became."""
    left = apply_state_changes(
        planned(declared, known), blocks_applied(declared, known), now=NOW, by="a test"
    )
    ended = {(at, intent.attempt) for at, intent in known.intents.items() if at not in left.intents}
    assert sorted((one.address, one.attempt) for one in left.resolutions) == sorted(ended)
    sids = {held.sid for held in left.exams.values()}
    assert all(one.sid in sids for one in left.resolutions if one.sid is not None)


@given(declared=declarations(), known=states())
def test_apply_keeps_the_rules_of_state(declared, known):
    """After an apply no SID is held twice, no address is both created and in doubt, and no SID was lost."""
    plan = planned(declared, known)
    if any(guard.code == "import-conflict" for guard in plan.guards):
        return
    left = applied(plan, declared, known)
    sids = [held.sid for held in left.exams.values()]
    assert len(sids) == len(set(sids))
    assert left.exams.keys().isdisjoint(left.intents)
    forgotten = {change.sid for change in plan.having(Action.FORGET)}
    assert {held.sid for held in known.exams.values()} - forgotten <= set(sids)


@given(declared=declarations(), known=states(), shuffle=st.randoms(use_true_random=False))
def test_order_never_shows(declared, known, shuffle):
    """The same input in another order gives an identical plan."""

    def mixed(items):
        return tuple(shuffle.sample(list(items), len(items)))

    other = Declared(
        exams=mixed(declared.exams),
        imports=mixed(declared.imports),
        moves=mixed(declared.moves),
        removals=mixed(declared.removals),
        absences=mixed(declared.absences),
        accepted=mixed(declared.accepted),
        distinctions=mixed(declared.distinctions),
    )
    other_state = replace(
        known, exams=dict(mixed(known.exams.items())), intents=dict(mixed(known.intents.items()))
    )
    assert planned(other, other_state) == planned(declared, known)


@given(declared=declarations(), known=states())
def test_every_address_has_one_line(declared, known):
    """Lines are sorted and single; what has none of its own is told by the line that it moved to."""
    plan = planned(declared, known)
    addresses = [change.address for change in plan.changes]
    assert addresses == sorted(set(addresses))
    everything = {one.address for one in declared.exams} | known.exams.keys() | known.intents.keys()
    moved = {change.moved_from for change in plan.to_make} - {None}
    settled = {
        source
        for source in known.intents
        if source not in addresses and any(move.source == source for move in declared.moves)
    }
    assert everything - moved - settled <= set(addresses)
    assert moved.isdisjoint(addresses)
    assert len(settled) <= plan.count(Action.IMPORT)


@given(declared=declarations(), known=states())
def test_what_is_known_is_never_created(declared, known):
    """No create has an address that state holds, or doubts without a confirmed absence."""
    confirmed = {(block.address, block.attempt) for block in declared.absences}
    doubted = {at for at, intent in known.intents.items() if (at, intent.attempt) not in confirmed}
    creates = {change.address for change in planned(declared, known).having(Action.CREATE)}
    assert creates.isdisjoint(known.exams.keys() | doubted)
    assert creates <= {one.address for one in declared.exams}


def is_one_exam(one, other):
    """Whether people take the two for one, as the documentation says."""
    (title, url, number), (title_2, url_2, number_2) = (
        (
            str(exam.payload.get("title")).strip().casefold(),
            str(exam.payload.get("url", "n/a")).casefold().rstrip("/"),
            exam.payload.get("configuration", {}).get("apiExamId"),
        )
        for exam in (one, other)
    )
    is_one_course = one.course_sid == other.course_sid
    return (
        (is_one_course and title == title_2 != "none")
        or (is_one_course and url == url_2 != "n/a")
        or (one.install_sid == other.install_sid and number == number_2 is not None)
    )


@given(declared=declarations(), known=states())
def test_nothing_that_exists_or_may_exist_is_created_again(declared, known):
    """What goes through creates nothing like an orphan or an undeclared doubt, unless blocks say so.

    A removal says so by name only. Without moves, so that each exam of state is where it was.
    """
    declared = replace(declared, moves=())
    plan = planned(declared, known)
    if plan.guards:
        return
    exams = {one.address: one for one in declared.exams}
    apart = {(block.address, block.other) for block in declared.distinctions}
    named = {block.address for block in declared.removals}
    confirmed = {(block.address, block.attempt) for block in declared.absences}
    candidates = [
        *(
            (at, entry)
            for at, entry in known.exams.items()
            if at not in named and "examCloseDate" not in entry.payload.get("configuration", {})
        ),
        *((at, one) for at, one in known.intents.items() if (at, one.attempt) not in confirmed),
    ]
    for create in plan.having(Action.CREATE):
        for at, recorded in candidates:
            if at not in exams and not {(create.address, at), (at, create.address)} & apart:
                assert not is_one_exam(exams[create.address], recorded)


@given(declared=declarations(), known=states())
def test_lines_say_what_their_fields_promise(declared, known):
    """Each field of a change is set exactly for the actions that it belongs to."""
    for change in planned(declared, known).changes:
        assert change.action is not Action.MOVE or change.moved_from is not None
        assert change.action in {Action.MOVE, Action.IN_DOUBT, Action.ACCEPT} or change.moved_from is None
        assert change.action is Action.ACCEPT or change.reason is None
        assert (change.intent is not None) == (change.action is Action.IN_DOUBT)
        assert (change.source is None) == (change.after is None)
        assert change.action is not Action.NOOP or not change.diff
        assert change.action not in {Action.CHANGED, Action.ACCEPT} or change.diff


@given(
    declared=declarations(),
    known=states(),
    twins=st.lists(EXAMS, max_size=6),
    bound=st.integers(-1, 3),
    targets=st.lists(st.text("ab*?[]!-c", max_size=3), max_size=2),
)
def test_no_input_makes_an_exception(declared, known, twins, bound, targets):
    """Whatever is declared, twice even, a plan is made, or the targets are refused."""
    doubled = replace(declared, exams=(*declared.exams, *twins))
    try:
        make_plan(blocks_applied(doubled, known), now=NOW, max_creates=bound, targets=targets)
    except UsageError:
        assert targets


@given(declared=declarations(), known=states(), some=st.sets(ADDRESSES))
def test_plan_expects_itself_and_its_rest(declared, known, some):
    """A plan is accepted against itself, and what is left of it after some of its creates is so too."""
    plan = planned(declared, known)
    check_expectation(plan, plan)
    check_expectation(plan, plan.fingerprint)
    made = {
        one.address: entry(100 + number, one)
        for number, one in enumerate(planned_creates(plan, blocks_applied(declared, known)))
        if one.address in some
    }
    left = (
        apply_state_changes(plan, blocks_applied(declared, known), now=NOW, by="a test")
        if plan.guards == ()
        else known
    )
    intents = {address: held for address, held in left.intents.items() if address not in made}
    rest = planned(declared, replace(left, serial=2, exams={**left.exams, **made}, intents=intents))
    if plan.guards == ():
        check_expectation(rest, plan)


@pytest.mark.parametrize("count", [10_000])
def test_large_plan_without_differences_is_quick(count):
    """Ten thousand exams that are as declared are planned in well under a second."""
    addresses = [f"course{number % 100}/exam-{number}" for number in range(count)]
    declared, known = declaring(*addresses), state(created(*addresses))
    began = time.process_time()
    assert not planned(declared, known).differs
    assert time.process_time() - began < 1
