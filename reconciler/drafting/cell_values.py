"""The value that a cell gives for a field, of the type that the field has."""

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Final

from reconciler.drafting.cells import Value
from reconciler.drafting.fields import Field, Kind
from reconciler.model.payloads import Json

_BLANKS: Final = frozenset({"-", "\N{EN DASH}", "\N{EM DASH}", "n/a", "na", "none", "tba", "tbc", "tbd"})
"""What people write into a cell that is to stay empty."""
NO_URL: Final = "N/A"
"""The URL of an exam on paper."""
_NO_URLS: Final = frozenset({"n/a", "na"})
_BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "y", "x", "1"), True),
    **dict.fromkeys(("false", "no", "n", "0"), False),
}
_PAPER: Final = re.compile(r"\b(?:paper|pencil|written|handwritten|blue ?book)\b")
_WEB: Final = re.compile(r"\b(?:online|web|remote(?:ly)?|virtual|canvas|lms|computer|internet)\b")
_LENGTH: Final = re.compile(
    r"(?:(?P<hours>[0-9]{1,3}(?:\.[0-9]{1,4})?) ?(?:h|hrs?|hours?)\.?,? ?)?"
    r"(?:(?P<minutes>[0-9]{1,5}(?:\.[0-9]{1,4})?) ?(?:m|mins?|minutes?)\.?)?"
)
_CLOCK: Final = re.compile(r"(?P<hours>[0-9]{1,3}):(?P<minutes>[0-5][0-9])(?::00)?")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_SEPARATORS: Final = re.compile(r"[,;\n]")
_UNLIMITED: Final = "unlimited"


class BadCell(ValueError):
    """A cell that its field cannot take; the hint says what it takes. The text of the cell is never in it."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


def text_of(value: Value) -> str:
    """Return `value` as text on one line, as a spreadsheet shows it."""
    return " ".join(_shown(value).split())


def _shown(value: Value) -> str:
    return str(_whole(value) if isinstance(value, float) else value)


def is_blank(value: Value) -> bool:
    """Return whether `value` says that the cell is to stay empty, such as `TBA`."""
    return isinstance(value, str) and value.casefold() in _BLANKS


def says_no_url(value: Value) -> bool:
    """Return whether `value` says that there is no URL, as for an exam on paper."""
    return isinstance(value, str) and value.casefold() in _NO_URLS


def value_for(field: Field, value: Value) -> Json:
    """Return the value for `field`, which is no date; None for a cell that gives none. Raises BadCell."""
    match field.kind:
        case Kind.NUMBER:
            return _number(field.name, value)
        case Kind.BOOLEAN:
            found = value if isinstance(value, bool) else _BOOLEANS.get(text_of(value).casefold())
            if found is None:
                raise BadCell("Write yes or no.")
            return found
        case Kind.LIST:
            return [part for each in _SEPARATORS.split(str(value)) if (part := each.strip())]
        case Kind.LINES:
            return _shown(value)
        case _:
            text = text_of(value)
            return NO_URL if field.name == "url" and says_no_url(text) else _choice(field, text)


def _choice(field: Field, text: str) -> str | None:
    if not field.choices:
        return text
    folded = text.casefold()
    if field.name == "type" and folded not in {choice.casefold() for choice in field.choices}:
        paper, web = _PAPER.search(folded), _WEB.search(folded)
        return None if bool(paper) is bool(web) else "Written" if paper else "Online"
    found = next((choice for choice in field.choices if choice.casefold() == folded), None)
    if found is None:
        raise BadCell(f"Write one of {', '.join(field.choices)}.")
    return found


def _number(name: str, value: Value) -> Json:
    """Return a number, of minutes for a length of time; None for `unlimited`. Raises BadCell."""
    is_length = name.startswith("duration")
    if is_length and isinstance(value, time):
        value = timedelta(hours=value.hour, minutes=value.minute)
    if is_length and isinstance(value, timedelta):
        return _whole(value.total_seconds() / 60)
    text = "" if isinstance(value, bool | date) else text_of(value).casefold()
    if text == _UNLIMITED:
        return None
    if _NUMBER.fullmatch(text):
        return _whole(float(text) * (60 if name == "durationHours" else 1))
    found = (_CLOCK.fullmatch(text) or _LENGTH.fullmatch(text)) if is_length and text else None
    if found is None:
        raise BadCell("Write minutes, such as 90, or 1:30." if is_length else "Write a number.")
    return _whole(float(found["hours"] or 0) * 60 + float(found["minutes"] or 0))


def _whole(number: float) -> float:
    """Return `number`, as an integer if it has no fraction."""
    return int(number) if number == number // 1 else number
