"""Rules asked about declared exams, and what they find put where it is written."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.manifest.effective import NOT_SENT
from reconciler.manifest.findings import Findings
from reconciler.manifest.passwords import FIELD
from reconciler.manifest.rereading import Recipe
from reconciler.manifest.rules.catalogue import Catalogue
from reconciler.manifest.rules.plugins import fault
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.manifest.yaml_nodes import Sequence as MarkedSequence
from reconciler.manifest.yaml_nodes import Stretch
from reconciler.model.declarations import Declaration
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.outside_text import tamed
from reconciler.model.payloads import Payload
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule

_AT_HAND: Final = 200
_MOST_OF_A_PLUGIN: Final = 10_000
"""Findings that one rule of a plug-in may give; it might never stop."""
_LONGEST_OF_A_PLUGIN: Final = 1_000
"""Characters of a message or a hint."""


class Written(Struct, frozen=True):
    """A declaration and where it is written: its address `at`, its fields within `own` or elsewhere.

    Elsewhere are defaults and profiles, of the same file or of one that it extends.
    """

    declaration: Declaration
    kept: Marked | Recipe
    at: Stretch
    own: Stretch
    findings: Findings

    @property
    def effective(self) -> Marked:
        """Its values, those of defaults and profiles included, with their marks."""
        return self.kept.made() if isinstance(self.kept, Recipe) else self.kept

    @property
    def whole(self) -> Stretch:
        """From the address up to the end of the fields."""
        return Stretch(self.at.start, max(self.at.end, self.own.end))

    def is_own(self, at: Stretch) -> bool:
        """Whether `at` is within the exam's own fields."""
        return self.own.start <= at.start < self.own.end


class Asked(Struct, frozen=True):
    """The codes of the rules that were asked to the end, and what went wrong with others."""

    codes: frozenset[str]
    faults: tuple[Diagnostic, ...]


def ask_rules(
    written: Iterable[Written],
    catalogue: Catalogue,
    weights: Mapping[str, Severity | None],
    context: Context,
) -> Asked:
    """Note in the findings of the files what the rules find; of one address, the first exam counts."""
    unique: dict[str, Written] = {}
    for each in written:
        unique.setdefault(each.declaration.address, each)
    by_address = [unique[address] for address in sorted(unique)]
    ours = {_view(each.declaration, each.declaration.payload): each for each in by_address}
    theirs = {}
    if any(_is_plugin(rule) for rule in catalogue.rules):
        theirs = {
            _view(each.declaration, copy.deepcopy(each.declaration.payload)): each for each in by_address
        }
    codes = set[str]()
    faults: list[Diagnostic] = []
    asked = [
        rule
        for rule in catalogue.rules
        if weights.get(rule.code, rule.severity) is not None
        and (rule.basis is not Basis.CLOCK or context.now is not None)
    ]
    found = _ask([rule for rule in asked if not _is_plugin(rule)], tuple(ours), context)
    for rule in asked:
        if _is_plugin(rule):
            failed = _ask_plugin(rule, theirs, context)
            faults += failed
        else:
            failed = []
            _note(rule, found[rule.code], ours)
        if not failed:
            codes.add(rule.code)
    return Asked(frozenset(codes), tuple(faults))


def _ask(rules: Sequence[Rule], exams: Sequence[Exam], context: Context) -> dict[str, list[Finding]]:
    """What each of `rules`, which are built in, finds in `exams`.

    Those about each exam by itself are asked about a few exams together, one rule after the other, while
    these are at hand in the processor.
    """
    found: dict[str, list[Finding]] = {rule.code: [] for rule in rules}
    alone = [rule for rule in rules if rule.basis is not Basis.WORKSPACE]
    for at in range(0, len(exams), _AT_HAND):
        few = exams[at : at + _AT_HAND]
        for rule in alone:
            found[rule.code] += rule.check(few, context)
    for rule in rules:
        if rule.basis is Basis.WORKSPACE:
            found[rule.code] += rule.check(exams, context)
    return found


def _is_plugin(rule: Rule) -> bool:
    return "/" in rule.code


def _view(declaration: Declaration, payload: Payload) -> Exam:
    return Exam(
        address=declaration.address,
        install_sid=declaration.install_sid,
        course_sid=declaration.course_sid,
        payload=payload,
        course=declaration.course,
        timezone=declaration.timezone,
    )


def _note(rule: Rule, found: Iterable[Finding], exams: Mapping[Exam, Written]) -> None:
    """Note each of `found` where it is written; what exams share is noted once, for all of them.

    What tells findings at one place apart is how many the exam has there before, for the messages of two
    exams about one value may differ.
    """
    told: dict[tuple[Exam, Stretch], set[str]] = {}
    for finding in found:
        written = exams[finding.exam]
        at, origins = _place(written, finding)
        messages = told.setdefault((finding.exam, at), set())
        if finding.message in messages:
            continue
        messages.add(finding.message)
        findings = written.findings
        findings.exam = written.whole
        findings.add(
            rule.code,
            at,
            findings.without_secrets(finding.message),
            findings.without_secrets(f"{finding.hint}{origins}"),
            severity=rule.severity,
            address=written.declaration.address,
            subject=f"{len(messages)}",
        )
        findings.exam = None


def _ask_plugin(rule: Rule, exams: Mapping[Exam, Written], context: Context) -> list[Diagnostic]:
    """Note what a plug-in's rule finds, and give back what went wrong.

    `exams` hold copies of the payloads, so that it cannot change what is sent.
    """
    found: list[Finding] = []
    failed: list[Diagnostic] = []
    try:
        for finding in islice(rule.check(tuple(exams), context), _MOST_OF_A_PLUGIN):
            _check_finding(finding, exams)
            found.append(_tamed(finding))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others may raise anything
        failed.append(fault(f"the rule '{rule.code}' of a plug-in failed", error))
    _note(rule, found, exams)
    return failed


def _check_finding(finding: object, exams: Mapping[Exam, Written]) -> None:
    """Raise TypeError unless `finding`, which code of others made, is what it must be."""
    if not isinstance(finding, Finding) or finding.exam not in exams:
        raise TypeError("it gave something other than a Finding about one of the exams")
    if not all(isinstance(text, str) for text in (finding.message, finding.hint)):
        raise TypeError("message and hint of a Finding must be text")
    if not all(map(_is_path, (finding.path, *finding.others))):
        raise TypeError("the paths of a Finding must be tuples of keys and of numbers of items")


def _tamed(finding: Finding) -> Finding:
    message, hint = (tamed(text, most=_LONGEST_OF_A_PLUGIN) for text in (finding.message, finding.hint))
    return replace(finding, message=message, hint=hint)


def _is_path(path: object) -> bool:
    return isinstance(path, tuple) and all(isinstance(step, str | int) for step in path)


def _place(written: Written, finding: Finding) -> tuple[Stretch, str]:
    """Where `finding` is shown, and where the values are written that it compares and that stand elsewhere.

    It is shown at the first of its paths that is written in the exam itself, else at the first.
    """
    paths = [path for path in (finding.path, *finding.others) if path]
    if not finding.path:
        return written.at, ""
    told = _told_by_text(written, paths)
    if told is not None:
        return told, ""
    effective = written.effective
    whole = [at for path in paths if (at := _stretch(effective, path))]
    own = (at for at in whole if written.is_own(at))
    at = next(own, whole[0] if whole else written.at)
    return at, _origins(written, paths) if written.is_own(at) else ""


def _told_by_text(written: Written, paths: Iterable[Path]) -> Stretch | None:
    """The first place of `paths` where all that are there stand in the exam itself, as far as can be told."""
    kept, first = written.kept, None
    if not isinstance(kept, Recipe):
        return None
    for path in paths:
        at = kept.located(path)
        if at is None and _may_be_there(written.declaration.payload, path):
            return None
        first = first or at
        if first is not None and kept.below is None:
            break  # nothing stands elsewhere
    return first or written.at


def _may_be_there(payload: Payload, path: Path) -> bool:
    """Whether an exam that declares `payload` may have something at `path`."""
    if path[0] in NOT_SENT:
        return True
    value: object = payload
    for step in path:
        if not isinstance(value, dict):
            return True
        if step not in value:
            return False
        value = value[step]
    return True


def _origins(written: Written, paths: Iterable[Path]) -> str:
    """Where those values at `paths` are written that do not stand in the exam itself."""
    effective = written.effective
    places = {path[-1]: _stretch(effective, path) for path in paths}
    positions = {
        step: written.findings.position(place)
        for step, place in places.items()
        if place is not None and not written.is_own(place)
    }
    return "".join(f" {step} is from {place.file}:{place.line}." for step, place in positions.items())


def _stretch(exam: Marked, path: Path) -> Stretch | None:
    """Where the value at `path` is written: a scalar itself, of all else the key; None without one."""
    at: Stretch | None = None
    value: object = exam
    for step in path:
        match value, step:
            case Marked(), str() if step in value:
                inner = value[step]
                is_scalar = not isinstance(inner, Marked | MarkedSequence) and step != FIELD
                at = value.value_at(step) if is_scalar else value.key_at(step)
                value = inner
            case MarkedSequence(), int() if 0 <= step < len(value):
                at, value = value.item_at(step), value[step]
            case _:
                return None
    return at
