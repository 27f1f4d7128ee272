"""Turns the findings of rules into diagnostics at the values that they are about."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.dates import DATE_FIELDS
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping, range_at
from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address
from reconciler.model.instants import read_instant
from reconciler.model.payloads import configuration_of
from reconciler.model.rules import Finding, Path, Rule
from reconciler.zones import zone_of

_TO_THE_MINUTE: Final = len("2031-10-06T09:00")


class LocatedDeclaration(Struct, frozen=True):
    """A declaration and the places of its parts: its address is at `at`, its own fields are within `own`.

    `values` are all its fields with their offsets; some may be from defaults, profiles or base files.
    """

    declaration: Declaration
    values: YamlMapping
    at: TextRange
    own: TextRange
    diagnostics: FileDiagnostics

    def is_own(self, at: TextRange) -> bool:
        """Return whether `at` is among the fields of the exam itself."""
        return self.own.start <= at.start < self.own.end


def add_rule_diagnostics(
    rule: Rule, found: Iterable[Finding], exams: Mapping[Address, LocatedDeclaration]
) -> None:
    """Add a diagnostic for each of `found`; several about one shared value become one for all its exams.

    Messages of two exams about one shared value may differ. So the subject is not the message: it is the
    number of messages that the exam has at that place.
    """
    messages_at: dict[tuple[Address, TextRange], set[str]] = {}
    for finding in found:
        located = exams[finding.exam.address]
        at, compared = _place_of(located, finding)
        messages = messages_at.setdefault((finding.exam.address, at), set())
        if finding.message in messages or not _is_copied(finding, located, exams):
            continue
        messages.add(finding.message)
        diagnostics = located.diagnostics
        # One that a comment suppresses must not stand for others of its cause.
        if finding.cause and diagnostics.is_suppressed(rule.code, at):
            continue
        diagnostics.exam = TextRange(located.at.start, max(located.at.end, located.own.end))
        diagnostics.address = located.declaration.address
        diagnostics.add(
            rule.code,
            at,
            diagnostics.without_secrets(finding.message),
            diagnostics.without_secrets(f"{finding.hint}{compared}"),
            severity=rule.severity,
            subject=f"{len(messages)}",
            cause=finding.cause and f"{finding.cause} in {diagnostics.source.file}",
            others=[exam.address for exam in finding.exams],
        )
        diagnostics.exam = diagnostics.address = None


def _is_copied(
    finding: Finding, located: LocatedDeclaration, exams: Mapping[Address, LocatedDeclaration]
) -> bool:
    """Return whether both exams of `finding` write its value themselves, or it names one exam only."""
    if finding.copied_from is None:
        return True
    return all(
        (at := range_at(each.values, finding.path)) is not None and each.is_own(at)
        for each in (located, exams[finding.copied_from.address])
    )


def _place_of(located: LocatedDeclaration, finding: Finding) -> tuple[TextRange, str]:
    """Return the place of `finding`, and a sentence about the values that it compares.

    The place is that of the first of its paths in the exam itself, otherwise that of its first path. The
    sentence quotes date-times, and names the places of values that are not in the exam itself.
    """
    places = {
        path: at
        for path in (finding.path, *finding.others)
        if (at := range_at(located.values, path) if path else located.at) is not None
    }
    own = next((at for path, at in places.items() if not path or located.is_own(at)), None)
    shown = next(iter(places.values()), located.at) if own is None else own
    if not finding.others:
        return shown, ""
    facts = [
        f"{path[-1]} is{quoted}{place}"
        for path, at in places.items()
        if (place := _place_elsewhere(located, at, shown)) + (quoted := _date_time(located, path))
    ]
    zone = f", in {located.declaration.timezone or 'UTC'}" if any(map(_is_date_time, places)) else ""
    return shown, f" {' and '.join(facts)}{zone}." if facts else ""


def _place_elsewhere(located: LocatedDeclaration, at: TextRange, shown: TextRange) -> str:
    """Return where a value is written, unless the reader sees it in the exam or at the finding."""
    if at in {shown, located.at} or located.is_own(at):
        return ""
    place = located.diagnostics.position(at)
    return f" from {place.file}:{place.line}"


def _is_date_time(path: Path) -> bool:
    return len(path) > 1 and path[-1] in DATE_FIELDS


def _date_time(located: LocatedDeclaration, path: Path) -> str:
    """Return the date-time at `path` as written, and in the exam's zone if it is written in another."""
    if not _is_date_time(path):
        return ""
    name, zone = str(path[-1]), zone_of(located.declaration.timezone or "UTC")
    written = located.values.mapping("configuration").get(name)
    instant = read_instant(configuration_of(located.declaration.payload).get(name))
    try:
        local = "" if instant is None else instant.astimezone(zone).isoformat()[:_TO_THE_MINUTE]
    except OverflowError:  # in the first or the last hours of the calendar
        local = f"{written}"
    is_local = f"{written}".replace(" ", "T").startswith(local)
    return f" {written}" if is_local else f" {written} ({local})"
