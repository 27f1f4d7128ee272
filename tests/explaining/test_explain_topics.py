"""What `explain` says, and that it says it of everything."""

import re
from typing import Any

import pytest

from reconciler import schemas
from reconciler.cli.exit_codes import MEANINGS
from reconciler.explaining.fields import all_fields
from reconciler.explaining.topics import Topics
from reconciler.rules.registry import RuleRegistry
from reconciler.rules_api import Rule

TOPICS = Topics(RuleRegistry().rules, MEANINGS)


def described(schema: Any, root: Any) -> Any:
    """`schema`, with what it refers to beneath; a reference may stand in `allOf`."""
    parts = [part["$ref"] for part in (schema, *schema.get("allOf", ())) if "$ref" in part]
    return {**(root["definitions"][parts[0].rpartition("/")[2]] if parts else {}), **schema}


@pytest.mark.parametrize("field", all_fields(), ids=lambda field: f"{field.place}-{field.name}")
def test_every_field_is_explained(field: Any) -> None:
    """A field has a description, a kind of value and a requirement, and is found by its path."""
    text = TOPICS.explained(field.name)
    assert text is not None
    assert f"# {field.name}\n" in text
    assert field.schema.get("markdownDescription", field.schema["description"]) in text
    assert "(?" not in text
    assert re.search(r"^- value: \S", text, re.MULTILINE)
    assert re.search(r"^- required: \S", text, re.MULTILINE)


def test_every_field_of_the_body_is_there() -> None:
    """No documented field is left out, and each is explained in the words of the editor's hover."""
    body = schemas.load("create-exam")["properties"]
    manifest = schemas.load("manifest")
    names = {field.name: field for field in all_fields()}
    inner = {f"configuration.{name}" for name in body["configuration"]["properties"]}
    assert body.keys() | inner <= names.keys()
    for name, part in manifest["definitions"]["configuration"]["properties"].items():
        shown = names[f"configuration.{name}"].schema
        for text in ("description", "markdownDescription"):
            assert shown.get(text) == described(part, manifest).get(text)


@pytest.mark.parametrize(
    ("topic", "lines"),
    [
        ("title", ["- required: yes, in the exam, a profile or `defaults`", "- value: text"]),
        ("type", ["- allowed: `Online`, `Written`"]),
        ("status", ["- default: `active`"]),
        ("isLimitedScope", ["- default: `false`", "- value: true or false"]),
        ("duration", ["# configuration.duration", "- example: `duration: 90`", "- value: a number"]),
        (
            "configuration.password",
            ["- value: a mapping with `fromEnv` or a mapping with `fromFile` or text"],
        ),
        ("exams.configuration.attempts", ["# configuration.attempts"]),
        ("profiles.configuration.attempts", ["# configuration.attempts"]),
        ("extends", ["- stands in: a manifest, at the top", "- value: a list, each item text"]),
        ("contactUser", ["- stands in: an exam, `defaults` or a profile", "- example: `contactUser: jdoe`"]),
        ("users", ["- stands in: a manifest, at the top", "# environments.users"]),
        ("timezone", ["- stands in: an exam, `defaults` or a profile", "# environments.timezone"]),
        ("profiles", ["- value: a list, each item text", "- value: a mapping"]),
        ("proctorTypes", ["- value: a list, each item text"]),
        ("instructorAsProctor", ["- value: a list, each item a mapping"]),
        ("course", ["- required: one of `course` and `courseSid`"]),
        (
            "imports.sid",
            ["- form: It must be EX and 32 hexadecimal digits in lower case.", "- required: yes"],
        ),
        ("maxCreates", ["- stands in: reconciler.yaml", "- at least: `0`"]),
        ("installSid", ["# installSid", "# environments.installSid"]),
        ("version", ["- allowed: `1`"]),
        ("130", ["# Exit code 130", "interrupted by SIGINT (Ctrl-C)"]),
        ("0", ["done, or nothing to do"]),
        ("window-order", ["# window-order", "## How to silence it"]),
    ],
)
def test_what_is_said(topic: str, lines: list[str]) -> None:
    """Type, requirement, allowed values, default and example are there; a bare name finds the path."""
    text = TOPICS.explained(topic)
    assert text is not None
    for line in lines:
        assert line in text


@pytest.mark.parametrize("topic", ["", "4", "999999999999", "²", "no-such", "configuration.", ".", "a.b.c"])
def test_what_is_nothing_is_not_explained(topic: str) -> None:
    """A name that means nothing gets no answer."""
    assert TOPICS.explained(topic) is None


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("duratoin", "duration"),
        ("no-pasword", "no-password"),
        ("EXAMOPENDATE", "examOpenDate"),
        ("x" * 99, None),
    ],
)
def test_the_nearest_names_are_known(topic: str, near: str | None) -> None:
    """A typing mistake is answered with what was meant."""
    assert near in (TOPICS.nearest(topic) or [None])


def test_the_overview_names_everything() -> None:
    """Nothing can be explained that is not listed."""
    text = TOPICS.overview()
    names = [field.name for field in all_fields()] + [rule.code for rule in TOPICS.rules]
    assert all(f"- `{name}`" in text for name in [*names, *map(str, MEANINGS)])


def test_a_rule_of_a_plugin_explains_itself() -> None:
    """Its page if it has one, else its summary and weight."""
    bare = Rule(code="acme/a", summary="a thing", check=lambda _, __: ())
    paged = Rule(code="acme/b", summary="b", check=lambda _, __: (), page="# Why\n")
    topics = Topics([bare, paged], {})
    assert topics.explained("acme/b") == "# Why\n"
    assert topics.explained("acme/a") == "# acme/a\n\nFinds a thing. Default severity: `warning`.\n"
