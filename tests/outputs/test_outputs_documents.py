"""The JSON documents fit their schemas and survive any string."""

import json

import output_cases as cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from reconciler import schemas
from reconciler.model.plan import Action
from reconciler.outputs.json.plan import plan_document
from reconciler.outputs.json.writers import diagnostics_document, report_document, to_text
from reconciler.outputs.listing import Listing

DOCUMENTS = {
    "plan": lambda: plan_document(cases.every_action(), listing=Listing.ALL),
    "report": lambda: report_document(cases.report(), cases.every_action(), cases.state()),
    "diagnostics": lambda: diagnostics_document(cases.diagnostics()),
}


@pytest.mark.parametrize("name", [*DOCUMENTS, "state"])
def test_schema_is_a_schema(name: str) -> None:
    """Each schema is itself valid."""
    Draft202012Validator.check_schema(schemas.load(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_fits_its_schema(name: str) -> None:
    """Each document is as its schema says."""
    document = json.loads(to_text(DOCUMENTS[name]()))
    errors = list(Draft202012Validator(schemas.load(name)).iter_errors(document))
    assert errors == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schema_refuses_a_key_of_nobody(name: str) -> None:
    """A key that the format does not have does not fit."""
    document = DOCUMENTS[name]() | {"extra": 1}
    assert not Draft202012Validator(schemas.load(name)).is_valid(document)


def test_noop_is_counted_and_listed_only_on_request() -> None:
    """Exams that are up to date are in the summary of both listings, and in the changes of one."""
    short, whole = (
        plan_document(cases.every_action(), listing=one) for one in (Listing.DIFFERING, Listing.ALL)
    )
    assert short["summary"] == whole["summary"]
    listed = [[change["action"] for change in document["changes"]] for document in (short, whole)]
    assert [actions.count("noop") for actions in listed] == [0, 2]


def test_optional_keys_are_there_only_with_a_value() -> None:
    """What the format adds for some actions is in those alone."""
    document = plan_document(cases.every_action(), listing=Listing.ALL)
    optional = {"movedFrom", "attempt", "startedAt", "doubt", "timezone"}
    found = {change["address"]: optional & change.keys() for change in document["changes"]}
    assert found["cs101/old"] == set()
    assert found["cs101/quiz-2"] == {"movedFrom", "timezone"}
    assert found["cs101/quiz-3"] == {"attempt", "startedAt", "doubt", "timezone"}
    assert "guards" not in document


def test_a_fault_in_telling_is_in_the_report() -> None:
    """Only where there was one, and as its schema says."""
    plan, state = cases.every_action(), cases.state()
    faulty = replace(cases.report(), fault_in_telling="internal error: KeyError")
    document = report_document(faulty, plan, state)
    assert document["faultInTelling"] == "internal error: KeyError"
    Draft202012Validator(schemas.load("report")).validate(json.loads(to_text(document)))
    assert "faultInTelling" not in report_document(cases.report(), plan, state)


@given(st.text(st.characters(codec=None)))
def test_json_survives_any_string(text: str) -> None:
    """Whatever a title holds, the text encodes as UTF-8 and reads back."""
    encoded = to_text({text: None} | {"title": text}).encode("utf-8")
    again = json.loads(encoded)
    # Two surrogates in a row may be read as the one character that they spell.
    assert again["title"] == json.loads(json.dumps(text))


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e", "\u200b", "\x7f", "\ud800", "\U000e0041"])
def test_json_holds_no_character_that_misleads(character: str) -> None:
    """Escapes, overrides and the like are spelt out, and mean the same."""
    text = to_text({"title": f"a{character}b"})
    assert character not in text
    assert json.loads(text) == {"title": f"a{character}b"}


def test_valid_counts_errors_only() -> None:
    """Warnings alone leave manifests valid."""
    warning = next(found for found in cases.diagnostics() if found.code == "inline-secret")
    document = diagnostics_document([warning])
    assert (document["valid"], document["errorCount"], document["warningCount"]) == (True, 0, 1)


def test_state_schema_fits_the_design() -> None:
    """A state with the keys of the design is valid, and one with a foreign key is not."""
    entry = {
        "sid": cases.sid(1),
        "installSid": cases.INSTALL,
        "courseSid": cases.COURSE,
        "digest": "sha256:" + "a" * 64,
        "payload": {},
        "createdAt": "2026-09-01T08:30:15Z",
    }
    state = {
        "formatVersion": 4,
        "lineage": cases.LINEAGE,
        "serial": 0,
        "service": "https://api.example.edu",
        "exams": {"a": entry},
        "intents": {},
    }
    validator = Draft202012Validator(schemas.load("state"))
    assert validator.is_valid(state)
    assert not validator.is_valid(state | {"exams": {"a": entry | {"secret": "x"}}})


def test_changed_plan_has_another_fingerprint_in_its_document() -> None:
    """The fingerprint of the document is the plan's own."""
    plan = cases.every_action()
    fewer = replace(plan, changes=plan.changes[1:])
    documents = [plan_document(one, listing=Listing.ALL) for one in (plan, fewer)]
    assert documents[0]["fingerprint"] == plan.fingerprint != documents[1]["fingerprint"]
    assert fewer.count(Action.CHANGED) == 0
