"""jsonschema-rs and jsonschema agree on every value, so a yes of the one may stand for that of the other."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, ValidationError

from reconciler import schemas
from reconciler.manifest.schema.validation import SchemaCheck, check_of
from reconciler.manifest.yaml.nodes import BROKEN

PARTS = [("create-exam", None), ("manifest", None), ("manifest", "exam"), ("workspace", None)]
each_part = pytest.mark.parametrize(("name", "definition"), PARTS)

STRICTLY_ENDED = re.compile(r"(?<!\\)\$")
NUMBERS = st.sampled_from([0, 1, 1.0, -1, 0.5, 1e300, -0.0, 10**4000, -(2**63)]) | st.integers() | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.just(BROKEN)
LOOSE_ENDS = st.sampled_from(["\n", "\r", "\r\n", " ", "\u2028", "\x00", "\u0660", "\ud800", "x", "\n\n"])

SID = "1234567890abcdef" * 2
ODD: list[Any] = [
    *[None, BROKEN, True, False, 0, 1, 1.0, -1, -1.0, 0.5, 10**4000, float("nan"), float("inf")],
    *["", "\n", "x", "x\n", "1", "true", "active", "Online", "online", f"AI{SID}", f"CU{SID}\n", f"EX{SID}0"],
    *[[], [[]], [None], [1], [""], ["x"], [{}], ["x", ["x"]], [{"capacity": True}], [{"exam": "a"}]],
    *[{}, {"": {}}, {"a": {}}, {"a\n": {}}, {"a//b": {}}, {"a": None}, {"a": []}, {"a": "off"}, {"a": True}],
    *[{"version": 1}, {"version": 1.0}, {"version": True}, {"version": 1, "more": 1}, {"title": "x"}],
    *[{"fromEnv": "EXAM_SECRET_A"}, {"fromEnv": "A"}, {"fromFile": "a"}, {"fromFile": ""}],
    {"fromEnv": "EXAM_SECRET_A", "fromFile": "a"},
]


def strict(schema: Any) -> Any:
    """`schema` with each `$` of its patterns as JSON Schema means it; Python's also ends before a newline."""
    if isinstance(schema, dict):
        return {
            key: STRICTLY_ENDED.sub(r"\\Z", part) if key == "pattern" else strict(part)
            for key, part in schema.items()
        }
    return [strict(part) for part in schema] if isinstance(schema, list) else schema


def patterns_in(schema: Any) -> Iterator[str]:
    """Every pattern that `schema` holds."""
    if isinstance(schema, dict):
        for key, part in schema.items():
            yield from [part] if key == "pattern" else patterns_in(part)


def parts_in(schema: Any) -> Iterator[Any]:
    """`schema` and every schema within it."""
    if isinstance(schema, bool):
        return
    yield schema
    for keyword in ("properties", "definitions"):
        for part in schema.get(keyword, {}).values():
            yield from parts_in(part)
    for keyword in ("items", "additionalProperties", "propertyNames", "then", "else"):
        yield from parts_in(schema.get(keyword, False))
    for keyword in ("allOf", "oneOf"):
        for part in schema.get(keyword, []):
            yield from parts_in(part)


def part_of(name: str, definition: str | None) -> Any:
    """The schema that is checked: a whole one, or one definition of it."""
    root = schemas.load(name)
    if definition is None:
        return root
    return root["definitions"][definition] | {"definitions": root["definitions"]}


ORACLES = {part: Draft7Validator(strict(part_of(*part))) for part in PARTS}
PATTERNS = sorted({pattern for part in PARTS for pattern in patterns_in(part_of(*part))})


def assert_agreement(name: str, definition: str | None, value: Any) -> bool:
    """Whether `value` is right, once jsonschema by itself and as the product asks it say the same."""
    check = check_of(name, definition)
    found = [told(error) for error in check.errors(value)]
    assert found == [told(error) for error in ORACLES[name, definition].iter_errors(value)]
    assert not found or not check.is_surely_right(value)
    return not found


def told(error: ValidationError) -> tuple[Any, ...]:
    """What a diagnostic is made of."""
    fields = list(error.schema.get("properties", ())) if isinstance(error.schema, dict) else []
    return error.validator, tuple(error.absolute_path), fields, id(error.instance)


def right(schema: Any, root: Any) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911 - one case a keyword
    """Values that satisfy `schema`, from what it says and nothing else."""
    match schema:
        case {"$ref": name}:
            return st.deferred(lambda: right(root["definitions"][name.rpartition("/")[2]], root))
        case {"then": one, "else": other}:
            return right(one, root) | right(other, root)
        case {"allOf": [part]}:
            return right(part, root)
        case {"oneOf": choices}:
            return st.one_of([right(choice, root) for choice in choices])
        case {"const": value}:
            return st.sampled_from([value, float(value)])
        case {"enum": values}:
            return st.sampled_from(values)
        case {"pattern": pattern}:
            return st.from_regex(STRICTLY_ENDED.sub(r"\\Z", pattern)).filter(re.compile(pattern).search)
        case {"type": list(kinds)}:
            return st.one_of([right({"type": kind}, root) for kind in kinds])
        case {"type": "object"}:
            return right_objects(schema, root)
        case {"type": "array"}:
            item = right(schema["items"], root)
            return st.lists(item, min_size=schema.get("minItems", 0), max_size=2)
    return {
        "string": st.text(min_size=schema.get("minLength", 0), max_size=4),
        "boolean": st.booleans(),
        "null": st.none(),
        "number": NUMBERS,
        "integer": st.integers(schema.get("minimum"), schema.get("maximum")) | st.sampled_from([2.0]),
    }[schema["type"]]


@st.composite
def right_objects(draw: st.DrawFn, schema: Any, root: Any) -> dict[str, Any]:
    """Mappings with all that is required and a little of what is not."""
    known, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", True)
    more = draw(st.lists(st.sampled_from(sorted(known)), max_size=4)) if known else []
    members = {name: draw(right(known[name], root)) for name in sorted({*required, *more})}
    if others is not False:
        names = right(schema.get("propertyNames", {"type": "string"}), root).filter(
            lambda name: name not in known
        )
        values = SCALARS if others is True else right(others, root)
        members |= draw(st.dictionaries(names, values, min_size=schema.get("minProperties", 0), max_size=2))
    return members


def random_values(schema: Any) -> st.SearchStrategy[Any]:
    """Any JSON at all, with keys that are often the schema's own."""
    words = sorted(set(re.findall(r'"(\w+)":', json.dumps(schema))))
    keys = st.sampled_from(words) | st.text(max_size=3)
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    )


def near_misses(value: Any, anything: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values that are nearly `value`: many of them wrong, some still right."""
    match value:
        case bool():
            return st.sampled_from([int(value), float(value), str(value).lower(), not value, [value]])
        case str():
            texts = [value.upper(), value[1:], value[:-1], f"\n{value}", f"{value}{value}", ""]
            return st.sampled_from(texts) | LOOSE_ENDS.map(lambda end: value + end)
        case int() | float():
            return st.sampled_from([bool(value), -value, value / 3 if abs(value) < 1e9 else 10**400, [value]])
        case list():
            longer = anything.map(lambda item: [*value, item])
            return st.sampled_from([[], [value], {}, value * 2]) | longer
        case dict():
            return mappings_near(value, anything)
    return anything


@st.composite
def mappings_near(draw: st.DrawFn, value: dict[str, Any], anything: st.SearchStrategy[Any]) -> Any:
    """`value` with a member more, a member less, a key bent, or in a list."""
    if not value or draw(st.booleans()):
        key = draw(st.sampled_from(["nope", "", "exams", "password", "a/b", "a\n"]) | st.text(max_size=3))
        return draw(st.sampled_from([[value], value | {key: draw(anything)}]))
    key = draw(st.sampled_from(sorted(value)))
    less = {name: member for name, member in value.items() if name != key}
    return draw(st.sampled_from([less, less | {key + draw(LOOSE_ENDS): value[key]}, less | {key: None}]))


@st.composite
def damaged(draw: st.DrawFn, value: Any, anything: st.SearchStrategy[Any]) -> Any:
    """`value` changed in one place, which may lie deep in it."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 3)):
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        key = draw(st.sampled_from(keys))
        copy: Any = value.copy()
        copy[key] = draw(damaged(value[key], anything))
        return copy
    return draw(anything if draw(st.integers(0, 3)) == 0 else near_misses(value, anything))


@each_part
@given(data=st.data())
def test_right_documents_are_right_to_both(name, definition, data):
    """A document made after the schema gets a yes, so that the fast way is the one that is taken."""
    part = part_of(name, definition)
    assert assert_agreement(name, definition, data.draw(right(part, part)))


@each_part
@given(data=st.data())
def test_right_documents_are_surely_right(name, definition, data):
    """jsonschema-rs says yes to a right document, so that the fastest way is the one that is taken."""
    part = part_of(name, definition)
    value = data.draw(right(part, part))
    assert check_of(name, definition).is_surely_right(value) or has_odd_number(value)


def has_odd_number(value: Any) -> bool:
    """Whether `value` holds a number that JSON cannot say, or something that was reported already."""
    if isinstance(value, dict | list):
        return any(map(has_odd_number, value.values() if isinstance(value, dict) else value))
    return value is BROKEN or (isinstance(value, int | float) and not -1e300 < value < 1e300)


def test_what_was_reported_is_never_surely_right():
    """jsonschema-rs looks into enums: BROKEN, which is one, holds nothing that it could take for text."""
    check = check_of("manifest", "exam")
    assert check.is_surely_right({"title": "x"})
    assert not check.is_surely_right({"title": BROKEN})
    assert not check.is_surely_right({"configuration": {"proctorTypes": [BROKEN]}})


@each_part
@given(data=st.data())
def test_damaged_documents_are_judged_alike(name, definition, data):
    """A right document that was bent in up to three places gets one verdict."""
    part = part_of(name, definition)
    anything = random_values(part)
    value = data.draw(right(part, part))
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(damaged(value, anything))
    assert_agreement(name, definition, value)


@pytest.mark.parametrize("name", ["create-exam", "manifest", "workspace"])
def test_every_part_of_a_schema_takes_odd_values_alike(name):
    """Each field by itself, however deep, and so each keyword, meets each kind of odd value."""
    root = schemas.load(name)
    for part in parts_in(root):
        schema = {"definitions": root.get("definitions", {})} | part
        check, slow = SchemaCheck(schema), Draft7Validator(strict(schema))
        for value in ODD:
            assert (not check.errors(value)) is slow.is_valid(value), (part, value)
            assert slow.is_valid(value) or not check.is_surely_right(value), (part, value)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_nothing_may_follow_what_a_pattern_asks_for(pattern, data):
    """A line end after the last character is refused by both, though Python's `$` lets a newline pass."""
    schema = {"type": "string", "pattern": pattern}
    text = data.draw(right(schema, schema))
    check = SchemaCheck(schema)
    assert check.is_surely_right(text)
    assert check.validator.is_valid(text)
    for end in ("\n", "\n\n", "\r", "\r\n", "\u2028"):
        assert not check.is_surely_right(text + end)
        assert not check.validator.is_valid(text + end)
