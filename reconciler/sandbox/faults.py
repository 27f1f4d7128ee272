"""Faults: what the sandbox does wrong on request, and to which creates. `KIND[:key=value[,key=value…]]`.

    latency:seconds=0.05           wait, then answer (or apply another fault)
    429:retry-after=2,form=date    too many requests; form is seconds (the default) or date
    rate:per-second=20             429 beyond that rate; retry-after (1 unless given) and form as above
    status:code=503,stored=true    answer with a status; stored is false unless given
    html:stored=true               200 with a proxy's HTML page; stored is false unless given
    redirect:code=307              to the same path; nothing is stored
    drop-before                    reset the connection, nothing is stored
    drop-after                     store, then close the connection without a response
    no-sid                         store, answer 200 with sid null
    truncated                      store, then send half of the response
    slow-body:seconds=5            store, answer slowly

Each also takes `nth=K`, `every=K`, `first=K`, `times=N` and `title=GLOB`, which must all hold; without them
the fault applies to every create. A pattern cannot hold a comma: write `?` instead.
"""

import math
from collections.abc import Callable, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from msgspec import Struct

_MAX_SECONDS: Final = 3600
_MAX_COUNT: Final = 1_000_000_000
_MAX_DIGITS: Final = 10


class Kind(Enum):
    """The kinds of faults; the module's docstring says what each does."""

    LATENCY = "latency"
    THROTTLED = "429"
    RATE = "rate"
    STATUS = "status"
    HTML = "html"
    REDIRECT = "redirect"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    NO_SID = "no-sid"
    TRUNCATED = "truncated"
    SLOW_BODY = "slow-body"


class Effect(Struct, frozen=True, kw_only=True):
    """What goes wrong. Fields that `kind` does not use keep their defaults.

    Without `retry_after_s` the response has no Retry-After header; `as_date` writes that header as a date.
    """

    kind: Kind
    seconds: float = 0.0
    per_second: float = 0.0
    retry_after_s: int | None = None
    as_date: bool = False
    code: int = 0
    stored: bool = False


class Selection(Struct, frozen=True, kw_only=True):
    """The creates to which a fault applies: those that satisfy every field that is not None.

    `title` is a shell pattern; case matters. `nth`, `every` and `first` count the creates whose title
    matches, from the moment that the fault was set; `times` is the most times that it applies.
    """

    nth: int | None = None
    every: int | None = None
    first: int | None = None
    times: int | None = None
    title: str | None = None

    def fits(self, title: str) -> bool:
        """Whether a create of `title` counts."""
        return self.title is None or fnmatchcase(title, self.title)

    def takes(self, count: int, *, struck: int) -> bool:
        """Whether the fault applies to matching create number `count`, after it applied `struck` times."""
        return (
            (self.nth is None or count == self.nth)
            and (self.every is None or count % self.every == 0)
            and (self.first is None or count <= self.first)
            and (self.times is None or struck < self.times)
        )


class Fault(Struct, frozen=True, kw_only=True):
    """One fault; `spec` is its text."""

    effect: Effect
    selection: Selection
    spec: str


def parse_fault(text: str) -> Fault:
    """Return the fault that the spec `text` describes. Raises ValueError with a message for the user."""
    try:
        return _parsed(text.strip())
    except ValueError as error:
        raise ValueError(f"fault {text!r}: {error}") from None


def _parsed(spec: str) -> Fault:
    name, _, rest = spec.partition(":")
    kind = next((kind for kind in Kind if kind.value == name), None)
    if kind is None:
        raise ValueError(f"unknown kind {name!r}; choose from {', '.join(each.value for each in Kind)}")
    given = _pairs(rest)
    effect = Effect(kind=kind, **_DEFAULTS.get(kind, {}) | _pop_fields(given, _KEYS.get(kind, {})))
    selection = Selection(**_pop_fields(given, _SELECTION))
    if given:
        raise ValueError(f"{name} has no {next(iter(given))!r}")
    return Fault(effect=effect, selection=selection, spec=spec)


def _pairs(text: str) -> dict[str, str]:
    """Return the values of `key=value,key=value…` by key."""
    given: dict[str, str] = {}
    for pair in text.split(",") if text else []:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise ValueError(f"{pair!r} is not key=value")
        if key in given:
            raise ValueError(f"{key} is given twice")
        given[key] = value
    return given


class _FaultKey(NamedTuple):
    """One key of a spec: the field that it sets, and how its value is read.

    `read` raises ValueError with the words that complete "KEY must be …".
    """

    field: str
    read: Callable[[str], Any]
    is_needed: bool = False


def _pop_fields(given: dict[str, str], keys: Mapping[str, _FaultKey]) -> dict[str, Any]:
    """Remove the `keys` from `given`, and return the fields that they set."""
    fields = {}
    for name, key in keys.items():
        if key.is_needed and name not in given:
            raise ValueError(f"needs {name}=…")
        if name in given:
            value = given.pop(name)
            try:
                fields[key.field] = key.read(value)
            except ValueError as error:
                raise ValueError(f"{name} must be {error}, not {value!r}") from None
    return fields


def _number_to(most: float) -> Callable[[str], float]:
    """Return a reader of numbers above 0 and at most `most`."""

    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number <= most:
            raise ValueError(f"a number above 0 and at most {most:g}")
        return number

    return read


def _whole_from(least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers of at least `least`."""
    return _whole_in(range(least, _MAX_COUNT + 1), f"a whole number of at least {least}")


def _whole_in(allowed: range | tuple[int, ...], expected: str) -> Callable[[str], int]:
    """Return a reader of the `allowed` numbers; `expected` says in words which they are."""

    def read(value: str) -> int:
        if value.isdecimal() and len(value) <= _MAX_DIGITS and int(value) in allowed:
            return int(value)
        raise ValueError(expected)

    return read


def _either(no: str, yes: str) -> Callable[[str], bool]:
    """Return a reader of the word `yes` as True and of `no` as False."""

    def read(value: str) -> bool:
        if value not in {no, yes}:
            raise ValueError(f"{no} or {yes}")
        return value == yes

    return read


_SECONDS: Final = _FaultKey("seconds", _number_to(_MAX_SECONDS), is_needed=True)
_STORED: Final = _FaultKey("stored", _either("false", "true"))
_RETRY_AFTER: Final = {
    "retry-after": _FaultKey("retry_after_s", _whole_from(0)),
    "form": _FaultKey("as_date", _either("seconds", "date")),
}
_KEYS: Final[Mapping[Kind, Mapping[str, _FaultKey]]] = {
    Kind.LATENCY: {"seconds": _SECONDS},
    Kind.THROTTLED: _RETRY_AFTER,
    Kind.RATE: {
        "per-second": _FaultKey("per_second", _number_to(_MAX_COUNT), is_needed=True),
        **_RETRY_AFTER,
    },
    Kind.STATUS: {
        "code": _FaultKey("code", _whole_in(range(200, 600), "200 to 599"), is_needed=True),
        "stored": _STORED,
    },
    Kind.HTML: {"stored": _STORED},
    Kind.REDIRECT: {
        "code": _FaultKey("code", _whole_in((301, 302, 303, 307, 308), "one of 301, 302, 303, 307, 308"))
    },
    Kind.SLOW_BODY: {"seconds": _SECONDS},
}
_DEFAULTS: Final[Mapping[Kind, dict[str, int]]] = {
    Kind.RATE: {"retry_after_s": 1},
    Kind.REDIRECT: {"code": 307},
}
_SELECTION: Final = {
    **{name: _FaultKey(name, _whole_from(1)) for name in ("nth", "every", "first", "times")},
    "title": _FaultKey("title", str),
}
