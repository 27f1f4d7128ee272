"""Parsers of option values: times, durations, numbers, command lines."""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def moment(text: str) -> datetime:
    """Return the RFC 3339 date-time `text`, in UTC. Raises ArgumentTypeError if it is invalid."""
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a date-time like 2031-10-01T00:00:00Z")


def command_line(text: str) -> list[str]:
    """Return the words of `text`, split as a shell does. Raises ArgumentTypeError without quoting it."""
    import shlex  # noqa: PLC0415 - hardly ever needed

    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or "\0" in text:
        raise argparse.ArgumentTypeError("this is no command line: it is empty, or a quote is not closed")
    return words


def _number(
    parse: Callable[[str], float], lowest: float, highest: float, what: str
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = parse(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}")
        return value

    return read


def _seconds_of(text: str) -> float:
    unit = _UNITS_S.get(text[-1:])
    return float(text) if unit is None else float(text[:-1]) * unit


_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}
_MOST_SECONDS: Final = 86_400.0
_A_DURATION: Final = "a duration such as 30s, 5m, 1h or a number of seconds"
duration_s = _number(_seconds_of, 0.0, _MOST_SECONDS, f"{_A_DURATION}, at most a day")
positive_duration_s = _number(_seconds_of, 0.001, _MOST_SECONDS, f"{_A_DURATION}, above 0, at most a day")
count = _number(int, 0, 10_000_000, "a whole number of 0 or more")
parallelism = _number(int, 1, 1000, "a whole number from 1 to 1000")
