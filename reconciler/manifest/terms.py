"""Reads the terms of the workspace file, and the addresses in files of a term."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.diagnostics import Severity
from reconciler.model.identities import Address, is_address_part
from reconciler.model.terms import Term, in_term, monday_of

_LONGEST: Final = timedelta(days=366)
_SUNDAY: Final = timedelta(days=6)
_DAY: Final = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}")
"""A day of the years 1000 to 2999, so that every day which counts from it exists."""


def terms_of(root: YamlMapping, diagnostics: FileDiagnostics) -> Mapping[str, Term]:
    """Return the terms that the workspace file `root` defines, by name; report those with mistakes."""
    written = root.mapping("terms")
    found = (
        _Reader(name, written.mapping(name), at, diagnostics).term()
        for name, (at, _) in written.ranges().items()
    )
    return {term.name: term for term in found if term is not None}


def is_alias_of_secret(name: str, at: TextRange, diagnostics: FileDiagnostics) -> bool:
    """Report a name in an address that an alias takes from a secret: addresses are shown everywhere."""
    if not (diagnostics.source.text.startswith("*", at.start) and diagnostics.source.hides(name)):
        return False
    diagnostics.add("bad-address", at, "this alias stands for a secret", "Write the name itself.")
    return True


def address_in_term(term: str | None, written: str, at: TextRange, diagnostics: FileDiagnostics) -> Address:
    """Return the whole address (or glob) that a manifest of `term` means; warn if it has the term twice.

    An alias of a secret becomes an empty address, which is invalid.
    """
    if is_alias_of_secret(written, at, diagnostics):
        return Address("")
    address = in_term(term, written)
    if term is not None and written.startswith(f"{term}/"):
        diagnostics.add(
            "term-twice",
            at,
            f"`term` of this file begins the address too, so it is {diagnostics.echo(address)}",
            f"Write {diagnostics.echo(written.removeprefix(f'{term}/'))} here.",
            severity=Severity.WARNING,
        )
    return address


class _Reader:
    """Reads one term."""

    def __init__(self, name: str, written: YamlMapping, at: TextRange, diagnostics: FileDiagnostics) -> None:
        self._name = name
        self._written = written
        self._at = at
        self._diagnostics = diagnostics

    def term(self) -> Term | None:
        """Return the term; report mistakes and return None."""
        if not is_address_part(self._name):
            self._report(
                self._at,
                f"{self._diagnostics.echo(self._name)} cannot be the name of a term",
                "It begins the addresses of exams: use letters, digits, '.', '_' and '-', such as 2032sp.",
            )
            return None
        starts, ends = self._day(self._written, "starts"), self._day(self._written, "ends")
        if starts is None or ends is None:
            return None
        if not starts <= ends <= starts + _LONGEST:
            self._report(
                self._written.value_at("ends"),
                f"the term begins on {starts} and ends on {ends}",
                "Write the first and the last day of the term; it may be a year long.",
            )
            return None
        skipped = self._skipped(starts, ends)
        return None if skipped is None else Term(self._name, starts, ends, skipped)

    def _skipped(self, starts: date, ends: date) -> frozenset[date] | None:
        """Return the Mondays of the skipped weeks; report mistakes and return None."""
        found: set[date] = set()
        for skip in self._written.sequence("skip"):
            if not isinstance(skip, YamlMapping):
                return None
            first, last = self._day(skip, "from"), self._day(skip, "to")
            if first is None or last is None or not self._is_of_weeks(skip, first, last, starts, ends):
                return None
            found.update(first + timedelta(weeks=week) for week in range((last - first).days // 7 + 1))
        return frozenset(found)

    def _is_of_weeks(self, skip: YamlMapping, first: date, last: date, starts: date, ends: date) -> bool:
        """Report a skip that is not of whole weeks of the term; return whether it is."""
        monday, sunday = monday_of(first), monday_of(last) + _SUNDAY
        if last < first or first > ends or last < starts:
            self._report(
                skip.value_at("from"),
                f"the days from {first} to {last} are no part of the term, {starts} to {ends}",
                "Write the first and the last day of the break.",
            )
            return False
        if (first, last) != (monday, sunday):
            self._report(
                skip.value_at("from" if first != monday else "to"),
                f"the days from {first} to {last} are not whole weeks",
                f"Skipped are weeks from Monday to Sunday, here {{from: {monday}, to: {sunday}}}.",
            )
            return False
        return True

    def _day(self, holder: YamlMapping, field: str) -> date | None:
        """Return the day under `field`; the schema reports a missing one, and one in another form."""
        text = holder.get(field)
        if not isinstance(text, str):
            return None
        with suppress(ValueError):
            if _DAY.fullmatch(text):  # `fromisoformat` also reads weeks, and days without hyphens
                return date.fromisoformat(text)
        self._report(
            holder.value_at(field),
            f"{self._diagnostics.echo(text)} is not a day of the calendar",
            "Write year, month and day, such as 2032-01-12; years are 1000 to 2999.",
        )
        return None

    def _report(self, at: TextRange, message: str, hint: str) -> None:
        self._diagnostics.add("bad-term", at, message, hint)
