"""Plans survive the file, and a file that is no plan or was edited is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import output_cases as cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from reconciler import schemas
from reconciler.model.destination import Destination
from reconciler.model.diagnostics import Position, Severity
from reconciler.model.errors import ExpectationFailed, ReconcilerError, UsageError
from reconciler.model.identities import ExamSid
from reconciler.model.plan import ABSENT, Action, Plan
from reconciler.model.provenance import Layer, ValueSource
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.json.plan import decode_plan, plan_document
from reconciler.outputs.json.writers import to_text
from reconciler.outputs.listing import Listing


def document(plan: Plan | None = None, listing: Listing = Listing.DIFFERING) -> dict[str, Any]:
    """A plan's document, free to be edited."""
    text = to_text(plan_document(plan or cases.every_action(), listing=listing))
    return json.loads(text)  # type: ignore[no-any-return]


def decode(edited: object) -> Plan:
    """The plan in a file that holds `edited`."""
    return decode_plan(json.dumps(edited).encode(), name="plan.json")


@pytest.mark.parametrize("listing", [Listing.DIFFERING, Listing.ALL])
def test_decode_after_encode_is_identity(listing: Listing) -> None:
    """Reading a plan and writing it again gives the same document, counts included."""
    for plan in (cases.every_action(), cases.guarded(), cases.noted(), cases.many_creates(3)):
        again = decode(document(plan, listing))
        assert document(again, listing) == document(plan, listing)


def test_counts_of_a_file_may_exceed_what_it_lists() -> None:
    """Exams that are up to date are counted though the file does not list them."""
    plan = decode(document())
    assert plan.count(Action.NOOP) == 2
    assert plan.having(Action.NOOP) == ()
    assert plan.count(Action.CREATE) == 1


def test_null_and_not_there_are_told_apart_again() -> None:
    """A side is ABSENT where its payload lacks the field, and null where the payload holds null."""
    edited = document()
    changed = edited["changes"][0]
    changed["before"]["description"] = None
    changed["before"]["list"] = [None]
    changed["diff"] += [
        {"path": "list[0]", "before": None, "after": None},
        {"path": "list[1]", "before": None, "after": 1},
    ]
    sides = {one.path: (one.before, one.after) for one in decode(edited).changes[0].diff}
    assert sides["contactUserSid"][0] is ABSENT
    assert sides["description"][0] is None
    assert sides["list[0]"] == (None, ABSENT)
    assert sides["list[1]"] == (ABSENT, 1)


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "text": b"plan",
    "not UTF-8": b'{"a": "\xff"}',
    "list": b"[]",
    "no version": b"{}",
    "version no text": b'{"formatVersion": 1}',
    "another major": b'{"formatVersion": "3.0"}',
    "only the present version": b'{"formatVersion": "2.0"}',
    "an earlier summary that is none": b'{"formatVersion": "1.0", "summary": 1}',
    "only a version": b'{"formatVersion": "1.0"}',
    "newer, and nothing else": b'{"formatVersion": "1.9"}',
    "NaN": b'{"formatVersion": "1.0", "a": NaN}',
    "infinite": b'{"formatVersion": "1.0", "a": 1e999}',
    "deep": b"[" * 100_000,
    "huge number": b'{"formatVersion": "1.0", "a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("case", BROKEN)
def test_file_that_is_no_plan_is_refused(case: str) -> None:
    """The refusal names the file and says what to do."""
    with pytest.raises(UsageError, match=r"^plan\.json: ") as refused:
        decode_plan(BROKEN[case], name="plan.json")
    assert "reconciler plan --out" in refused.value.hint


MISFITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "newline in a SID": lambda plan: plan["changes"][0].update(sid=cases.sid(7) + "\n"),
    "dotted address": lambda plan: plan["changes"][0].update(address="a/../b"),
    "no such day": lambda plan: plan["changes"][-1].update(startedAt="2026-02-31T00:00:00Z"),
    "surrogate": lambda plan: plan["changes"][1]["after"].update(title="\ud800"),
    "foreign key": lambda plan: plan.update(extra=1),
    "unknown action": lambda plan: plan["changes"][0].update(action="destroy"),
    "attempt alone": lambda plan: plan["changes"][0].update(attempt="a"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_value_that_no_plan_has_is_refused(case: str) -> None:
    """What the schema, the identities or the calendar rule out is no plan."""
    edited = document()
    MISFITS[case](edited)
    with pytest.raises(UsageError, match=r"^plan\.json: not a plan"):
        decode(edited)


def body_of(plan: dict[str, Any], action: str) -> dict[str, Any]:
    """The declared body of the first change with `action`."""
    body: dict[str, Any] = next(one["after"] for one in plan["changes"] if one["action"] == action)
    return body


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another course": lambda plan: plan["changes"][1].update(courseSid="CU" + "f" * 32),
    "another body": lambda plan: plan["changes"][1]["after"].update(title="Easier"),
    "another body of a changed exam": lambda plan: plan["changes"][0]["after"].update(title="Easier"),
    "another body of an import": lambda plan: body_of(plan, "import").update(title="Easier"),
    "another body of a move": lambda plan: body_of(plan, "move").update(title="Easier"),
    "no body": lambda plan: plan["changes"][1].update(after=None),
    "one less": lambda plan: plan["changes"].pop(),
    "another order": lambda plan: plan["changes"].reverse(),
    "one twice": lambda plan: plan["changes"].insert(0, plan["changes"][0]),
    "another count": lambda plan: plan["summary"].update(create=0),
    "another fingerprint": lambda plan: plan.update(fingerprint="sha256:" + "0" * 64),
}


@pytest.mark.parametrize("case", EDITS)
def test_edited_plan_is_refused(case: str) -> None:
    """Whatever was edited of what a reviewer agreed to, the plan is not the reviewed one any more."""
    edited = document()
    EDITS[case](edited)
    with pytest.raises(ExpectationFailed, match="was edited"):
        decode(edited)


def test_fewer_up_to_date_than_listed_is_an_edit() -> None:
    """The summary cannot count less than the file lists."""
    edited = document(listing=Listing.ALL)
    edited["summary"]["noop"] = 1
    with pytest.raises(ExpectationFailed):
        decode(edited)


def test_address_listed_twice_is_an_edit() -> None:
    """An address stands once in a plan, even one that the fingerprint does not cover."""
    edited = document(listing=Listing.ALL)
    up_to_date = next(change for change in edited["changes"] if change["action"] == "noop")
    edited["changes"].insert(edited["changes"].index(up_to_date), up_to_date)
    edited["summary"]["noop"] += 1
    with pytest.raises(ExpectationFailed):
        decode(edited)


def test_environment_survives_the_file() -> None:
    """The name is there where there is one, and belongs to what is reviewed."""
    plan = cases.in_environment(cases.every_action(), "production")
    written = document(plan)
    assert written["destination"]["environment"] == "production"
    assert decode(written).destination == plan.destination
    assert decode(document()).destination == cases.DESTINATION
    assert plan.fingerprint != cases.every_action().fingerprint


@pytest.mark.parametrize("key", ["environment", "apiUrl"])
def test_a_destination_that_was_edited_is_noticed(key: str) -> None:
    """Environment and service are covered by the fingerprint."""
    written = document()
    written["destination"][key] = "https://elsewhere.example.edu"
    with pytest.raises(ExpectationFailed, match="edited"):
        decode(written)


def test_the_state_may_be_planned_from_a_copy() -> None:
    """The state's URL is told, and is no part of what is reviewed."""
    written = document()
    written["destination"]["state"] = "file:copy.json"
    assert decode(written).destination.state == "file:copy.json"


@pytest.mark.parametrize("name", ["plan.json", "plan-guarded.json"])
def test_a_plan_of_format_1_is_read(name: str) -> None:
    """It keeps its fingerprint and its guards, and does not say which service it is for."""
    data = (Path(__file__).parent / "format_1" / name).read_bytes()
    saved = decode_plan(data, name=name)
    written = json.loads(data)
    assert saved.fingerprint == written["fingerprint"]
    assert [guard.code for guard in saved.guards] == [one["code"] for one in written.get("guards", [])]
    assert saved.destination == Destination()
    named = decode_plan(json.dumps(written | {"environment": "staging"}).encode(), name=name)
    assert named.destination == Destination(environment="staging")


def test_another_major_version_says_which_is_which() -> None:
    """The refusal names both versions and what to do."""
    with pytest.raises(UsageError, match=r"is of format 3\.3, and this version reads format 2\.0") as refused:
        decode(document() | {"formatVersion": "3.3"})
    assert "with the version of reconciler that wrote it" in refused.value.hint


def test_newer_minor_version_is_read() -> None:
    """Keys that a later minor version adds are left unread."""
    newer = document() | {"formatVersion": "2.7", "later": True}
    assert decode(newer).fingerprint == cases.every_action().fingerprint


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()))
def test_no_bytes_make_a_foreign_exception(data: bytes) -> None:
    """Whatever a file holds, the refusal is ours."""
    with pytest.raises(ReconcilerError):
        decode_plan(data, name="plan.json")


def test_no_depth_makes_a_foreign_exception() -> None:
    """Near the depth at which Python gives up, each step may be the one that does."""
    text = json.dumps(document())
    for depth in range(900, 1010):
        deep = text.replace('"Midterm Exam 1"', "[" * depth + "]" * depth)
        with pytest.raises(ReconcilerError):
            decode_plan(deep.encode(), name="plan.json")


def plan_with_doubt(options: tuple[str, ...] = ("--env", "production")) -> dict[str, Any]:
    """The document of a plan with an exam in doubt."""
    made = plan_document(cases.every_action(), listing=Listing.DIFFERING, invocation=Invocation(options))
    return json.loads(to_text(made))  # type: ignore[no-any-return]


def test_in_doubt_report_survives_the_file() -> None:
    """Who sent it, what came back, the course's alias and the options of the commands are read again."""
    saved = decode_plan(json.dumps(plan_with_doubt()).encode(), name="plan.json")
    (line,) = saved.having(Action.IN_DOUBT)
    assert line.intent is not None
    assert (line.intent.by, line.intent.answer) == (cases.intent().by, cases.intent().answer)
    assert line.course == "cs101"
    assert saved.invocation.options == ("--env", "production")
    again = plan_document(saved, listing=Listing.DIFFERING, invocation=saved.invocation)
    assert json.loads(to_text(again)) == plan_with_doubt()


def test_sids_of_a_doubt_survive_the_file() -> None:
    """They are checked by the schema like all else."""
    edited = plan_with_doubt()
    sids = [cases.sid(1), cases.sid(2)]
    for one in edited["changes"]:
        if "doubt" in one:
            one["doubt"]["sids"] = sids
    (line,) = decode(edited).having(Action.IN_DOUBT)
    assert line.intent is not None
    assert line.intent.answer is not None
    assert line.intent.answer.sids == tuple(sids)
    sids[0] = ExamSid("EX12")
    with pytest.raises(UsageError):
        decode(edited)


def test_plan_of_an_earlier_version_is_still_read() -> None:
    """Without an in-doubt report in the file, author and answer are said to be unknown, not to be none."""
    edited = plan_with_doubt()
    for one in edited["changes"]:
        one.pop("doubt", None)
        one.pop("accept", None)
    saved = decode_plan(json.dumps(edited).encode(), name="plan.json")
    (line,) = saved.having(Action.IN_DOUBT)
    assert line.intent is not None
    assert (line.intent.by, saved.invocation.options) == ("", ())
    assert line.intent.answer is not None
    assert "earlier version" in line.intent.answer.reason


def test_a_doubt_without_any_answer_survives_the_file() -> None:
    """That no answer came is not the same as one that is not told."""
    edited = plan_with_doubt()
    for one in edited["changes"]:
        if "doubt" in one:
            one["doubt"].update(status=None, answer=None)
    (line,) = decode(edited).having(Action.IN_DOUBT)
    assert line.intent is not None
    assert line.intent.answer is None


@pytest.mark.parametrize(
    "changes",
    [{"settle": {}}, {"settle": {"options": [], "commands": ["a"], "manifest": ["a", "b"]}}, {"extra": 1}],
    ids=["empty", "one command", "extra"],
)
def test_in_doubt_report_that_no_plan_has_is_refused(changes: dict[str, Any]) -> None:
    """The schema holds for in-doubt reports too."""
    edited = plan_with_doubt()
    for one in edited["changes"]:
        if "doubt" in one:
            one["doubt"].update(changes)
    with pytest.raises(UsageError, match="not a plan"):
        decode(edited)


def test_names_warnings_and_provenance_survive_the_file() -> None:
    """A saved plan shows aliases of courses and users, warnings and layers as the plan did."""
    warning = replace(cases.diagnostics()[0], severity=Severity.WARNING, excerpt=None, others=frozenset())
    source = ValueSource(layer=Layer.PROFILE, position=Position("a.yaml", 3, 1), name="lab")
    made = replace(
        cases.every_action(), warnings=(warning,), names={cases.COURSE: "cs101", "US" + "7" * 32: "jdoe"}
    )
    address = made.having(Action.CREATE)[0].address
    written = to_text(plan_document(made, listing=Listing.ALL, provenance={address: {"type": source}}))
    Draft202012Validator(schemas.load("plan")).validate(json.loads(written))
    read = decode_plan(written.encode(), name="plan.json")
    assert read.warnings == made.warnings
    assert read.names == made.names
    assert read.provenance == {address: {"type": source}}
    assert [change.course for change in read.changes] == [change.course for change in made.changes]
