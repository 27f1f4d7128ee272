"""Fault specs: `KIND[:key=value[,key=value…]]`, read into faults.

    latency:seconds=0.05           wait, then go on (or do another fault)
    429:retry-after=2,form=date    too many requests; form is seconds (the default) or date
    rate:per-second=20             429 beyond that rate; retry-after (1 unless given) and form as above
    status:code=503,stored=true    answer with a status; stored is false unless given
    html:stored=true               200 with a proxy's HTML page; stored is false unless given
    redirect:code=307              to the same path; nothing is stored
    drop-before                    reset the connection, nothing is stored
    drop-after                     store, then close the connection without an answer
    no-sid                         store, answer 200 with sid null
    truncated                      store, break off in the middle of the answer
    slow-body:seconds=5            store, answer slowly

Each also takes `nth=K`, `every=K`, `first=K`, `times=N` and `title=GLOB`, which must all hold; without any of
them the fault takes every create. A pattern cannot hold a comma: write `?` for it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from reconciler.sandbox.faults import (
    DropAfter,
    DropBefore,
    Effect,
    Fault,
    Html,
    Latency,
    NoSid,
    Rate,
    Redirect,
    Selection,
    SlowBody,
    Status,
    Throttled,
    Truncated,
)

_RATE_RETRY_AFTER_S: Final = 1
_MAX_SECONDS: Final = 3600.0
_MAX_COUNT: Final = 1_000_000_000
_MAX_DIGITS: Final = 10
_STATUS_CODES: Final = range(200, 600)
_REDIRECT_CODES: Final = (301, 302, 303, 307, 308)


def parse_fault(text: str) -> Fault:
    """The fault that `text` asks for. Raises ValueError with a message for the person who wrote it."""
    kind, _, rest = text.strip().partition(":")
    make = _KINDS.get(kind)
    if make is None:
        raise ValueError(f"fault {text!r}: no kind {kind!r}; there are {', '.join(_KINDS)}")
    options = _Options(text, rest)
    effect = make(options)
    selection = Selection(
        nth=options.count("nth"),
        every=options.count("every"),
        first=options.count("first"),
        times=options.count("times"),
        title=options.take("title"),
    )
    options.refuse_rest(kind)
    return Fault(effect=effect, selection=selection, spec=text.strip())


class _Options:
    """The keys and values of one spec; each is taken once, and what is left is a mistake."""

    def __init__(self, spec: str, text: str) -> None:
        self._spec = spec
        self._values: dict[str, str] = {}
        for pair in text.split(",") if text else []:
            key, equals, value = (part.strip() for part in pair.partition("="))
            if not (key and equals and value):
                raise self._mistake(f"{pair!r} is not key=value")
            if key in self._values:
                raise self._mistake(f"{key} is given twice")
            self._values[key] = value

    def take(self, key: str) -> str | None:
        return self._values.pop(key, None)

    def count(self, key: str) -> int | None:
        value = self.take(key)
        return None if value is None else self._integer(key, value, least=1)

    def whole_seconds(self, key: str) -> int | None:
        value = self.take(key)
        return None if value is None else self._integer(key, value, least=0)

    def number(self, key: str, *, above: float, most: float) -> float:
        value = self.take(key)
        if value is None:
            raise self._mistake(f"needs {key}=…")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not above < number <= most:
            raise self._mistake(f"{key} must be a number above {above:g} and at most {most:g}, not {value!r}")
        return number

    def choice(self, key: str, meanings: Mapping[str, bool]) -> bool:
        """What the value of `key` means; absent, it is the first of `meanings`."""
        value = self.take(key)
        if value is None:
            return next(iter(meanings.values()))
        if value not in meanings:
            raise self._mistake(f"{key} must be {' or '.join(meanings)}, not {value!r}")
        return meanings[value]

    def code(self, allowed: range | tuple[int, ...], *, default: int | None = None) -> int:
        value = self.take("code")
        if value is None and default is not None:
            return default
        if value is None:
            raise self._mistake("needs code=…")
        if not value.isdecimal() or len(value) > _MAX_DIGITS or int(value) not in allowed:
            span = (
                f"{allowed[0]} to {allowed[-1]}"
                if isinstance(allowed, range)
                else f"one of {', '.join(map(str, allowed))}"
            )
            raise self._mistake(f"code must be {span}, not {value!r}")
        return int(value)

    def refuse_rest(self, kind: str) -> None:
        if self._values:
            raise self._mistake(f"{kind} has no {next(iter(self._values))!r}")

    def _integer(self, key: str, value: str, *, least: int) -> int:
        if value.isdecimal() and len(value) <= _MAX_DIGITS and least <= int(value) <= _MAX_COUNT:
            return int(value)
        raise self._mistake(f"{key} must be a whole number of at least {least}, not {value!r}")

    def _mistake(self, what: str) -> ValueError:
        return ValueError(f"fault {self._spec!r}: {what}")


def _latency(options: _Options) -> Effect:
    return Latency(seconds=options.number("seconds", above=0, most=_MAX_SECONDS))


def _throttled(options: _Options) -> Throttled:
    return Throttled(
        retry_after_s=options.whole_seconds("retry-after"),
        as_date=options.choice("form", {"seconds": False, "date": True}),
    )


def _rate(options: _Options) -> Effect:
    per_second = options.number("per-second", above=0, most=_MAX_COUNT)
    refusal = _throttled(options)
    if refusal.retry_after_s is None:
        refusal = replace(refusal, retry_after_s=_RATE_RETRY_AFTER_S)
    return Rate(per_second=per_second, refusal=refusal)


def _status(options: _Options) -> Effect:
    return Status(code=options.code(_STATUS_CODES), stored=_stored(options))


def _html(options: _Options) -> Effect:
    return Html(stored=_stored(options))


def _redirect(options: _Options) -> Effect:
    return Redirect(code=options.code(_REDIRECT_CODES, default=307))


def _slow_body(options: _Options) -> Effect:
    return SlowBody(seconds=options.number("seconds", above=0, most=_MAX_SECONDS))


def _stored(options: _Options) -> bool:
    return options.choice("stored", {"false": False, "true": True})


_KINDS: Final[Mapping[str, Callable[[_Options], Effect]]] = {
    "latency": _latency,
    "429": _throttled,
    "rate": _rate,
    "status": _status,
    "html": _html,
    "redirect": _redirect,
    "drop-before": lambda _: DropBefore(),
    "drop-after": lambda _: DropAfter(),
    "no-sid": lambda _: NoSid(),
    "truncated": lambda _: Truncated(),
    "slow-body": _slow_body,
}
