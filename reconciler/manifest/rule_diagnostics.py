"""What rules find about an exam, put where the values are written that it is about."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.passwords import PASSWORD
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping, YamlSequence
from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address
from reconciler.model.rules import Finding, Path, Rule


class LocatedDeclaration(Struct, frozen=True):
    """A declaration and where it is written: its address `at`, its fields within `own` or elsewhere.

    BaseFiles are defaults and profiles, of the same file or of one that it extends. `values` are all its
    fields, with their offsets.
    """

    declaration: Declaration
    values: YamlMapping
    at: TextRange
    own: TextRange
    diagnostics: FileDiagnostics

    def is_own(self, at: TextRange) -> bool:
        """Return whether `at` is within the exam's own fields."""
        return self.own.start <= at.start < self.own.end


def add_rule_diagnostics(
    rule: Rule, found: Iterable[Finding], exams: Mapping[Address, LocatedDeclaration]
) -> None:
    """Note each of `found` where it is written; what exams share is noted once, for all of them.

    What tells diagnostics at one place apart is how many the exam has there before, for the messages of two
    exams about one value may differ.
    """
    told: dict[tuple[Address, TextRange], set[str]] = {}
    for finding in found:
        written = exams[finding.exam.address]
        at, origins = _place(written, finding)
        messages = told.setdefault((finding.exam.address, at), set())
        if finding.message in messages:
            continue
        messages.add(finding.message)
        diagnostics = written.diagnostics
        diagnostics.exam = TextRange(written.at.start, max(written.at.end, written.own.end))
        diagnostics.address = written.declaration.address
        diagnostics.add(
            rule.code,
            at,
            diagnostics.without_secrets(finding.message),
            diagnostics.without_secrets(f"{finding.hint}{origins}"),
            severity=rule.severity,
            subject=f"{len(messages)}",
        )
        diagnostics.exam = diagnostics.address = None


def _place(written: LocatedDeclaration, finding: Finding) -> tuple[TextRange, str]:
    """Return where `finding` is shown, and words that say where the other values are that it compares.

    It is shown at the first of its paths that is written in the exam itself, else at the first.
    """
    if not finding.path:
        return written.at, ""
    paths = [path for path in (finding.path, *finding.others) if path]
    places = {path: at for path in paths if (at := _range_of(written.values, path)) is not None}
    own = next((at for at in places.values() if written.is_own(at)), None)
    if own is None:
        return next(iter(places.values()), written.at), ""
    elsewhere = {
        path[-1]: written.diagnostics.position(at) for path, at in places.items() if not written.is_own(at)
    }
    return own, "".join(f" {step} is from {place.file}:{place.line}." for step, place in elsewhere.items())


def _range_of(exam: YamlMapping, path: Path) -> TextRange | None:
    """Return where the value at `path` is written: a scalar itself, of all else the key; None without one."""
    at: TextRange | None = None
    value: object = exam
    for step in path:
        match value, step:
            case YamlMapping(), str() if step in value:
                inner = value[step]
                is_scalar = not isinstance(inner, YamlMapping | YamlSequence) and step != PASSWORD
                at = value.value_at(step) if is_scalar else value.key_at(step)
                value = inner
            case YamlSequence(), int() if 0 <= step < len(value):
                at, value = value.item_at(step), value[step]
            case _:
                return None
    return at
