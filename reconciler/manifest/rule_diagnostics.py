"""Turns the findings of rules into diagnostics at the values that they are about."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping, range_at
from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address
from reconciler.model.rules import Finding, Rule


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
        at, elsewhere = _place_of(located, finding)
        messages = messages_at.setdefault((finding.exam.address, at), set())
        if finding.message in messages:
            continue
        messages.add(finding.message)
        diagnostics = located.diagnostics
        diagnostics.exam = TextRange(located.at.start, max(located.at.end, located.own.end))
        diagnostics.address = located.declaration.address
        diagnostics.add(
            rule.code,
            at,
            diagnostics.without_secrets(finding.message),
            diagnostics.without_secrets(f"{finding.hint}{elsewhere}"),
            severity=rule.severity,
            subject=f"{len(messages)}",
        )
        diagnostics.exam = diagnostics.address = None


def _place_of(located: LocatedDeclaration, finding: Finding) -> tuple[TextRange, str]:
    """Return the place of `finding`, and sentences that name the places of the other values it compares.

    The place is that of the first of its paths in the exam itself, otherwise that of its first path.
    """
    if not finding.path:
        return located.at, ""
    paths = [path for path in (finding.path, *finding.others) if path]
    places = {path: at for path in paths if (at := range_at(located.values, path)) is not None}
    own = next((at for at in places.values() if located.is_own(at)), None)
    if own is None:
        return next(iter(places.values()), located.at), ""
    elsewhere = {
        path[-1]: located.diagnostics.position(at) for path, at in places.items() if not located.is_own(at)
    }
    return own, "".join(f" {step} is from {place.file}:{place.line}." for step, place in elsewhere.items())
