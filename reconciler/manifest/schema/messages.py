"""Turns errors of jsonschema into diagnostics in the user's words."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler import schemas
from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.unfilled import FILL_IN
from reconciler.manifest.redaction import REFERENCE_KEYS, announces_secret
from reconciler.manifest.schema.duration_advice import duration_advice
from reconciler.manifest.schema.field_names import cut_key, end_of_name, level_of, meant_by
from reconciler.manifest.schema.validation import SchemaCheck
from reconciler.manifest.yaml.nodes import BROKEN, MERGE, TextRange, Value, YamlMapping, range_at
from reconciler.model.words import either, listed, nearest, suggestion

if TYPE_CHECKING:
    from jsonschema import ValidationError

_HINTS: Final = {
    "object": "Write `key: value` lines below it, indented.",
    "array": "Write one `- item` line for each, also for a single one.",
    "string": "Put it in quotes.",
    "boolean": "Write true or false, without quotes; YAML 1.2 takes yes, no, on and off for text.",
    "number": "Write a number, without quotes and units.",
    "integer": "Write a whole number, without quotes and units.",
}
_OF_SIDS: Final = "[a-f0-9]{32}"
_DIGITS: Final = str.maketrans("oil", "011")
_OF_ALIASES: Final = {"course": "courses", "contactUser": "users"}
_NO_DASH: Final = re.compile("[-\u2022\u00b7\u2013\u2014]")
_GAP: Final = 100
_SECRET_PATH: Final = ("configuration", "password")


class NamedRange(Struct, frozen=True):
    """The text range of a checked value, and its name in messages."""

    at: TextRange
    name: str


def report_schema_errors(
    check: SchemaCheck, value: Value, place: NamedRange, diagnostics: FileDiagnostics
) -> bool:
    """Report the schema errors of `value`; return whether it has none."""
    errors = check.errors(value)
    for error in errors:
        path = tuple(error.absolute_path)
        if error.instance is BROKEN or _is_secret(path) or _is_date_time(error):
            continue
        _Report(value, place, diagnostics, error, path).add()
    return not errors


class _Report(Struct, frozen=True):
    """Words one schema error as a diagnostic."""

    root: Value
    place: NamedRange
    diagnostics: FileDiagnostics
    error: "ValidationError"
    path: tuple[str | int, ...]

    def add(self) -> None:
        match self.error.validator:
            case "additionalProperties":
                self._unknown_fields()
            case "required":
                self._missing_field()
            case "type":
                self._wrong_type()
            case "enum" | "const":
                self._not_allowed()
            case "pattern":
                self._wrong_pattern()
            case _:
                self._out_of_bounds()

    @property
    def name(self) -> str:
        """The name of the value in messages."""
        if not self.path:
            return self.place.name
        last = self.path[-1]
        return self.diagnostics.echo(last) if isinstance(last, str) else f"item {last + 1}"

    def _out_of_bounds(self) -> None:
        bound: Any = self.error.validator_value
        match self.error.validator:
            case "minimum" if self.error.instance is not None:
                self._note("wrong-value", f"{self.name} is too small", f"Write {bound} or more.")
            case "maximum":
                self._note("wrong-value", f"{self.name} is too large", f"Write {bound} or less.")
            case _:
                self._note("wrong-value", f"{self.name} is empty", "Give it a value, or remove it.")

    def _unknown_fields(self) -> None:
        known = list(self.error.schema["properties"]) if isinstance(self.error.schema, Mapping) else []
        if not isinstance(self.error.instance, YamlMapping):
            return
        for field, (at, value_at) in self.error.instance.ranges().items():
            if field not in known and (field != MERGE or self.error.instance[field] is not BROKEN):
                name = cut_key(field)
                behind = end_of_name(name, field, at)
                self.diagnostics.hide(TextRange(behind, max(at.end, value_at.end)))
                if not (self.diagnostics.is_full or self.diagnostics.reports_key(at)):
                    message = f"{self.diagnostics.echo(name)} is not a field of {self.name}"
                    hint = _advice(name, known, self.error.instance)
                    self.diagnostics.add("unknown-field", at, message, hint)

    def _missing_field(self) -> None:
        instance: Any = self.error.instance
        wanted: Any = self.error.validator_value
        known = self.error.schema["properties"] if isinstance(self.error.schema, Mapping) else ()
        for field in wanted if isinstance(instance, dict) else ():
            is_misspelt = any(nearest(key, [field]) for key in instance if key not in known)
            if field not in instance and not is_misspelt and MERGE not in instance:
                value = known[field].get("const", "") if field in known else ""
                hint = f"Add `{f'{field}: {value}'.rstrip()}` to it."
                self._note("missing-field", f"{self.name} lacks '{field}'", hint, field)

    def _wrong_type(self) -> None:
        wanted: Any = self.error.validator_value
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        words = " or ".join(schemas.TYPE_WORDS[name] for name in names)
        hint = self._advice_on_dashes(names[0]) or _HINTS.get(names[0], "")
        field = f"{self.path[-1]}" if self.path else ""
        if field in _OF_ALIASES:
            hint = f"Write a name from `{_OF_ALIASES[field]}`; one that consists of digits needs quotes."
        if field == "duration" and isinstance(self.error.instance, str):
            hint = duration_advice(self.error.instance) or hint
        if self.error.instance is None:
            advice = "Text that begins with `#` or `&` needs quotes." if names == ["string"] else hint
            hint = f"Give it a value, or remove it. {advice}"
        self._note("wrong-type", f"{self.name} must be {words}, not {_kind(self.error.instance)}", hint)

    def _advice_on_dashes(self, wanted: str) -> str:
        """Return what to do about a dash that makes no list, or one too many; empty if there is none."""
        match wanted, self.error.instance:
            case "array", str(text) if found := _NO_DASH.match(text):
                return f"Begin each item with `- `, a dash and a space, in place of `{found[0]}`."
            case "object", list(items) if self.path == ("exams",):
                if any(isinstance(item, dict) and any("/" in key for key in item) for item in items):
                    return "Remove the `- ` before each address."
                return "Give each exam an address in place of its dash, as in `cs101/midterm-1:`."
            case "string", list() if self._begins_with_dash():
                return "Remove the `- ` before the text."
        return ""

    def _begins_with_dash(self) -> bool:
        at = range_at(self.root, self.path) or self.place.at
        behind = self.diagnostics.source.text[at.end : at.end + _GAP]
        return behind.lstrip(": \r\n").startswith("- ")

    def _not_allowed(self) -> None:
        wanted: Any = self.error.validator_value
        choices = [_as_written(choice) for choice in (wanted if isinstance(wanted, list) else [wanted])]
        instance = self.error.instance
        given = (
            f"{self._value()} is not allowed for" if isinstance(instance, str | int) else "wrong value for"
        )
        message = f"{given} {self.name}; allowed: {', '.join(choices)}"
        hint = suggestion(_as_written(instance), choices, f"Write {listed(choices)}.")
        if instance in choices:
            hint = f"Write {instance} without quotes."
        self._note("not-allowed-value", message, hint)

    def _wrong_pattern(self) -> None:
        schema: Any = self.error.schema
        if str(self.error.validator_value).startswith("^(?!"):
            code, message = "bad-address", f"{self._value()} cannot be an address"
        elif self.error.instance == FILL_IN:
            code, message = "to-fill-in", f"{self.name} is to be filled in"
        else:
            code, message = "wrong-pattern", f"{self._value()} is not right for {self.name}"
        hint = schema["patternErrorMessage"]
        pattern, mended = f"{self.error.validator_value}", _as_sid(f"{self.error.instance}")
        if _OF_SIDS in pattern and re.search(pattern, mended) and self._value() != "this value":
            hint = f"did you mean '{mended}'? {hint}"
        self._note(code, message, hint)

    def _value(self) -> str:
        """Return the wrong value in quotes, or "this value" if it may be a secret."""
        if any(isinstance(step, str) and announces_secret(step) for step in self.path):
            return "this value"
        return self.diagnostics.echo(_as_written(self.error.instance))

    def _note(self, code: str, message: str, hint: str, subject: str = "") -> None:
        at = range_at(self.root, self.path) or self.place.at
        self.diagnostics.add(code, at, message, hint, subject=subject)


def _as_sid(text: str) -> str:
    """Return `text` with the letters of a SID in their case, and digits for letters that look like them."""
    return text[:2].upper() + text[2:].strip().lower().translate(_DIGITS)


def _advice(field: str, known: Collection[str], holder: YamlMapping) -> str:
    """Return what to do with the unknown `field` of `holder`, in which `known` are possible."""
    level = level_of(known)
    if level is None:
        return suggestion(field, known, f"Remove it. Known are: {', '.join(known)}.")
    meant = meant_by(field, level, is_mapping=isinstance(holder.get(field), YamlMapping))
    if field in REFERENCE_KEYS:
        return f"It belongs to a password: `password: {{{field}: …}}`."
    if meant is None:
        shared = level == "manifest" and isinstance(holder.get(field), YamlMapping)
        lists = "what exams have in common goes under `defaults` or `profiles`"
        return f"Remove it; {lists if shared else '`reconciler explain` lists the fields'}."
    if meant.level == level and meant.names[0] in holder:
        return f"Keep one of the two: '{meant.names[0]}' is here too."
    return f"did you mean {either(meant.names)}?"


def _as_written(value: object) -> str:
    """Return `value` in the spelling of YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else f"{value}"


def _is_secret(path: tuple[str | int, ...]) -> bool:
    """Return whether `path` leads to or into a password, which `passwords` reports."""
    return any(path[at : at + 2] == _SECRET_PATH for at in range(len(path)))


def _is_date_time(error: "ValidationError") -> bool:
    """Return whether `error` is about the form of a date or time, which `dates` or `terms` report better."""
    definitions = schemas.load("manifest")["definitions"]
    forms = (
        definitions["dateTime"]["pattern"],
        definitions["timeOfDay"]["pattern"],
        definitions["relativeDate"]["properties"]["day"]["enum"],
        schemas.load("workspace")["definitions"]["day"]["pattern"],
    )
    return error.validator in {"pattern", "enum"} and error.validator_value in forms


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"
