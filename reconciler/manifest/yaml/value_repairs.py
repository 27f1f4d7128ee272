"""Proposals of how the value on one mistyped line should read; `slips` tries which of them is right."""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.yaml.flow_repairs import of_brackets
from reconciler.manifest.yaml.line_repairs import Slip
from reconciler.manifest.yaml.lines import COMMENT, KEY, LEAD, QUOTED
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX

_ENTRY: Final = re.compile(rf"{LEAD}(?P<key>{KEY}|{QUOTED}):[ \t]+(?P<value>[^\s#].*)")
_ITEM: Final = re.compile(r"(?P<lead>[^\S\n]*(?:-[^\S\n]+)+)(?P<key>)(?P<value>[^\s#].*)")
_OPEN_KEY: Final = re.compile(rf"{LEAD}(?P<quote>[\"'])(?P<key>{KEY})(?P<value>:(?:[ \t].*)?)")
_SURE_COMMENT: Final = re.compile(r"[ \t]+#[ \t].*$")
"""A comment that surely is one: `#3` may be a part of the text."""
_SECOND_KEY: Final = re.compile(r"[,;]?[ \t]+(?P<key>[A-Za-z]\w*):[ \t]")
_REFERENCE: Final = re.compile(
    rf"[({{\[]?[ \t]*(?P<entry>fromEnv:[ \t]+{SECRET_VARIABLE_PREFIX}\w+|fromFile:[ \t]+[\w./-]+)"
    r"[ \t]*[)}\]]?(?P<rest>[ \t]*(?:#.*)?)"
)
_ESCAPE: Final = re.compile(
    r'\\(?:[0abt\tnvfre "/\\N_LP]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|(?P<wrong>.))'
)
_CURLY: Final = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"
_QUOTES: Final = "\"'"
_STARTS: Final = frozenset("@`%|>&*!?{}[],-#")
_WHOLE: Final = "Put the whole text in quotes."


def of_value(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a value: of its brackets, of what follows it, or in quotes as a whole."""
    found = _value_on(line)
    if found is None:
        return
    at, value = found.start("value"), found["value"].rstrip()
    if value[0] in "{[":
        yield from of_brackets(index, line, at, _SURE_COMMENT.sub("", value))
    if (reference := _REFERENCE.fullmatch(value)) is not None:
        fixed = f"{line[:at]}{{{reference['entry']}}}{reference['rest']}"
        message = "a reference to a secret is written in braces"
        advice = "Put it in braces."
        yield Slip(index, at, at + len(value), message, advice, fixed)
    key = found["key"]
    if _holds_fields(key):
        if value[0] in "{[":
            return  # the whole block must not become a text
        message, advice = (
            "a key with fields below it takes no text",
            "Remove the text, or write it as a comment.",
        )
        fixed = f"{line[:at]}# {value.lstrip('#')}"
        yield Slip(index, at, at + len(value), message, advice, fixed)
    yield from _of_second_key(index, line, at, value)
    yield from _of_quoting(index, line, at, value)


def of_braces(index: int, line: str) -> Iterator[Slip]:
    """Yield a trial without the block in brackets that begins on the line: something in it is wrong."""
    found = _value_on(line)
    if found is not None and found["value"][0] in "{[" and _holds_fields(found["key"]):
        at = found.start("value")
        message, advice = (
            "something in these brackets is wrong",
            "Check their commas, quotes and closing brackets.",
        )
        fixed = f"{line[:at]}# {found['value']}"
        yield Slip(index, at, len(line.rstrip()), message, advice, fixed, is_spelt=False)


def _holds_fields(key: str) -> bool:
    return key == "configuration" or documented_fields().get(key) == "object" or "/" in key


def _of_second_key(index: int, line: str, at: int, value: str) -> Iterator[Slip]:
    """Yield a repair of a line with a second field behind the value of the first."""
    second = _SECOND_KEY.search(value)
    if second is not None and second["key"] in documented_fields() and value[0] not in "{[":
        lead = line[: len(line) - len(line.lstrip(" -"))]
        fixed = f"{line[:at]}{value[: second.start()]}\n{' ' * len(lead)}{value[second.start('key') :]}"
        start, end = (at + place for place in second.span("key"))
        message = "a second field begins on this line"
        yield Slip(index, start, end, message, "Write each field on a line of its own.", fixed)


def _of_quoting(index: int, line: str, at: int, value: str) -> Iterator[Slip]:
    """Yield repairs with the whole value in quotes, or with other quotes."""
    value, comment = (bare := _SURE_COMMENT.sub("", value)), value[len(bare) :]
    first, closing = value[0], _closing(value)
    before, end = line[:at], at + len(value)
    if first in _QUOTES and closing < 0:
        return  # an open quote is closed, not quoted again
    if first in _QUOTES and value[closing + 1 :].strip() in {",", ";"}:
        message, advice = "a field ends with its line, not with a sign", "Remove the sign after the quote."
        yield Slip(index, end - 1, end, message, advice, f"{before}{value[: closing + 1]}{comment}")
    inner, message = value, _message_of(value)
    if first in _CURLY and len(value) > 1:
        inner = value.strip(_CURLY)
    elif first in _QUOTES and closing == len(value) - 1:
        escape = next((each for each in _ESCAPE.finditer(value) if each["wrong"]), None)
        if first == '"' and escape is not None:
            message, fixed = "YAML does not know this escape", f"{before}{_spelt(value[1:-1])}{comment}"
            start, end = (at + place for place in escape.span())
            yield Slip(index, start, end, message, "Write the text between single quotes.", fixed)
        return
    elif first in _QUOTES and first == value[-1] and value[closing + 1].isalnum():
        inner, message = value[1:-1], f"a {first} within the text ends it"
    yield Slip(index, at, end, message, _WHOLE, f"{before}{_spelt(inner)}{comment}")


def _message_of(value: str) -> str:
    first = value[0]
    if first in _QUOTES:
        return "text goes on behind the closing quote"
    if first in "[{":
        return f"text goes on behind '{']' if first == '[' else '}'}'"
    if first in _STARTS:
        return f"text that begins with '{first}' needs quotes"
    if first in _CURLY:
        return f"'{first}' is no quote in YAML"
    if ": " in value or value.endswith(":"):
        return "text with ': ' in it needs quotes"
    return "this text needs quotes"


def _spelt(text: str) -> str:
    """Return `text` in quotes; those that need no escapes, if there are any."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'" if '"' in text or "\\" in text else f'"{text}"'


def _value_on(line: str) -> re.Match[str] | None:
    return _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)


def _closing(value: str) -> int:
    """Return the index of the quote that closes `value`; -1 if it begins with none, or none does."""
    form = {'"': r'"(?:[^"\\]|\\.)*+"', "'": r"'(?:[^']|'')*+'"}.get(value[0])
    found = None if form is None else re.match(form, value)
    return -1 if found is None else found.end() - 1


def opens_quote(line: str) -> bool:
    """Return whether the value on `line` begins with a quote that the line does not close."""
    if '"' not in line and "'" not in line:
        return False
    found = _value_on(line)
    opens_value = found is not None and found["value"][0] in _QUOTES and _closing(found["value"]) < 0
    return opens_value or _OPEN_KEY.fullmatch(line) is not None


def of_open_quote(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of an open quote: closed in place of another quote, before a comment, or at the end."""
    if (found := _OPEN_KEY.fullmatch(line)) is not None:
        fixed = f"{found['lead']}{found['key']}{found['value']}"
        yield Slip(index, *found.span("quote"), "this quote is not closed", "Remove the quote.", fixed)
    found = _value_on(line)
    if found is None or found["value"][0] not in _QUOTES:
        return
    at, value, quote = found.start("value"), found["value"].rstrip(), found["value"][0]
    bare = COMMENT.sub("", value)
    bodies = [body[:-1] for body in (value,) if len(body) > 1 and body[-1] in _QUOTES + _CURLY]
    for body in dict.fromkeys((*bodies, bare, value)):
        rest = value[len(body) :] if body == bare else ""
        fixed = f"{line[:at]}{body}{quote}{rest}"
        yield Slip(index, at, at + 1, "this quote is not closed", "Close it at the end of the text.", fixed)
