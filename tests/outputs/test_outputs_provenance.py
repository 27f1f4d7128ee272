"""Provenance of values, as text and in the plan's document."""

import io
import json

import output_cases as cases
from jsonschema import Draft202012Validator

from reconciler import schemas
from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.payloads import digest_of
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.provenance import Layer, ValueSource
from reconciler.outputs.json.plan import decode_plan, plan_document
from reconciler.outputs.json.writers import to_text
from reconciler.outputs.listing import Listing, Sources
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.plan_text import print_plan

PROVENANCE = {
    "title": ValueSource(layer=Layer.EXAM, position=Position("a.yaml", 7, 5)),
    "configuration.duration": ValueSource(
        layer=Layer.PROFILE, name="short\x1b", position=Position("_b.yaml", 3, 9)
    ),
    "installSid": ValueSource(layer=Layer.ENVIRONMENT, name="staging", position=None),
}


def plan_of(count: int) -> Plan:
    """A plan that creates `count` exams."""
    payload = {"title": "T", "configuration": {"duration": 45}}
    changes = [
        Change(
            address=Address(f"e{number:03}"),
            action=Action.CREATE,
            install_sid=InstallSid(f"AI{'0' * 32}"),
            course_sid=CourseSid(f"CU{'0' * 32}"),
            sid=None,
            digest=digest_of(payload),
            source=Position("a.yaml", 5, 3),
            before=None,
            after=payload,
        )
        for number in range(count)
    ]
    return Plan(destination=cases.DESTINATION, lineage="x", serial=0, changes=tuple(changes))


def text_of(plan: Plan, provenance: dict[Address, dict[str, ValueSource]]) -> str:
    """`plan` as it is printed."""
    stream = io.StringIO()
    print_plan(
        plan,
        Console(stream, width=120),
        listing=Listing.DIFFERING,
        provenance=provenance,
        sources=Sources.PLACED,
    )
    return stream.getvalue()


def test_each_value_has_a_line() -> None:
    """Value, layer, file and line stand beside the name, and nothing in them steers a terminal."""
    text = text_of(plan_of(1), {Address("e000"): PROVENANCE})
    assert (
        "    title       T  (exam, a.yaml:7)\n"
        f"    courseSid   CU{'0' * 32}\n"
        "    duration    45  (profile short\\x1b, _b.yaml:3)\n"
        f"    installSid  AI{'0' * 32}  (environment staging)\n"
    ) in text


def test_many_changes_are_shown_whole_with_their_origins() -> None:
    """Asking for provenance is asking for all of them, however many exams there are."""
    plan = plan_of(40)
    provenance = {change.address: PROVENANCE for change in plan.changes}
    assert text_of(plan, provenance).count("T  (exam, a.yaml:7)") == 40
    assert "(exam" not in text_of(plan, {})


def test_the_document_has_origins_and_is_read_back() -> None:
    """The optional key fits the schema, and a saved plan with it is the same plan."""
    plan = plan_of(2)
    document = plan_document(plan, listing=Listing.ALL, provenance={Address("e000"): PROVENANCE})
    read = json.loads(to_text(document))
    Draft202012Validator(schemas.load("plan")).validate(read)
    first, second = read["changes"]
    assert "provenance" not in second
    assert first["provenance"]["title"] == {"file": "a.yaml", "line": 7, "column": 5, "layer": "exam"}
    nowhere = {"file": None, "line": None, "column": None, "layer": "environment", "name": "staging"}
    assert first["provenance"]["installSid"] == nowhere
    assert decode_plan(to_text(document).encode(), name="plan.json").fingerprint == plan.fingerprint
