"""Runs the rules on declared exams."""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.declarations import Declaration
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.outside_text import tamed
from reconciler.model.payloads import Payload
from reconciler.model.rules import Basis, Context, Exam, Finding, Rule
from reconciler.rules.plugins import fault
from reconciler.rules.registry import RuleRegistry

_BLOCK: Final = 100
"""So many exams stay in the processor's cache while one rule after another looks at them."""
_MOST_OF_A_PLUGIN: Final = 10_000
"""Most findings of one rule of a plug-in, which might never stop."""
_LONGEST_OF_A_PLUGIN: Final = 1_000
"""Most characters of a message or hint of a plug-in."""


class RuleResults(Struct):
    """The findings of each rule, in the order of the rules.

    `codes` are those of the rules that ran to the end. `faults` are errors of plug-ins' rules.
    """

    found: list[tuple[Rule, list[Finding]]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    faults: list[Diagnostic] = field(default_factory=list)

    def ask(self, rules: Iterable[Rule], exams: Sequence[Exam], context: Context) -> None:
        """Run built-in rules. Those about single exams see a block of exams one after another."""
        by_block: list[tuple[Rule, list[Finding]]] = []
        for rule in rules:
            findings: list[Finding] = []
            self.found.append((rule, findings))
            self.codes.add(rule.code)
            if rule.basis is Basis.WORKSPACE:
                findings.extend(rule.check(exams, context))
            else:
                by_block.append((rule, findings))
        for start in range(0, len(exams), _BLOCK):
            block = exams[start : start + _BLOCK]
            for rule, findings in by_block:
                findings.extend(rule.check(block, context))

    def ask_plugin(self, rule: Rule, exams: Collection[Exam], context: Context) -> None:
        """Run a rule of a plug-in; what it finds before it fails is kept."""
        findings: list[Finding] = []
        self.found.append((rule, findings))
        try:
            for finding in islice(rule.check(tuple(exams), context), _MOST_OF_A_PLUGIN):
                checked = _checked(finding, exams)
                findings.append(checked)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others may raise anything
            self.faults.append(fault(f"the rule '{rule.code}' of a plug-in failed", error))
        else:
            self.codes.add(rule.code)


def ask_rules(
    declarations: Sequence[Declaration],
    registry: RuleRegistry,
    severities: Mapping[str, Severity | None],
    context: Context,
) -> RuleResults:
    """Run the rules on `declarations`, which are sorted by address.

    `severities` override those of rules; None turns a rule off. Rules of the basis `CLOCK` run only if the
    context has a moment. Plug-ins get copies of the payloads, so that they cannot change what is sent.
    """
    results = RuleResults()
    asked = [
        rule
        for rule in registry.rules
        if (rule.basis is not Basis.CLOCK or context.now is not None)
        and severities.get(rule.code, rule.severity) is not None
    ]
    ours = [_view(each, each.payload) for each in declarations]
    results.ask([rule for rule in asked if not _is_plugin(rule)], ours, context)
    if plugins := [rule for rule in asked if _is_plugin(rule)]:
        theirs = {_view(each, copy.deepcopy(each.payload)): None for each in declarations}
        for rule in plugins:
            results.ask_plugin(rule, theirs.keys(), context)
    return results


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
        term=declaration.term,
        section=declaration.section,
    )


def _checked(finding: object, exams: Collection[Exam]) -> Finding:
    """Return `finding`, made by code of a plug-in, with tamed texts; raise TypeError if it is malformed."""
    if not isinstance(finding, Finding) or finding.exam not in exams:
        raise TypeError("it gave something other than a Finding about one of the exams")
    if finding.copied_from is not None and finding.copied_from not in exams:
        raise TypeError("it compared with something other than one of the exams")
    if not all(isinstance(text, str) for text in (finding.message, finding.hint, finding.cause)):
        raise TypeError("message, hint and cause of a Finding must be text")
    if not all(map(_is_path, (finding.path, *finding.others))):
        raise TypeError("the paths of a Finding must be tuples of keys and of numbers of items")
    message, hint = (tamed(text, most=_LONGEST_OF_A_PLUGIN) for text in (finding.message, finding.hint))
    return replace(finding, message=message, hint=hint)


def _is_path(path: object) -> bool:
    return isinstance(path, tuple) and all(isinstance(step, str | int) for step in path)
