"""Suppressions: ignore comments, which switch a rule off for one line, and warnings about unused ones."""

from collections.abc import Container, Iterable, Sequence
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics, Suppression
from reconciler.manifest.source import SourceText
from reconciler.manifest.yaml.comments import Comment
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.commands import command
from reconciler.model.diagnostics import Severity
from reconciler.model.rules import RETIRED, Basis
from reconciler.model.words import suggestion
from reconciler.rules.engine import RuleResults
from reconciler.rules.registry import FIXED, NOT_ON_A_LINE, UNUSED_SUPPRESSION, RuleRegistry

_FORM: Final = "Write `# reconciler: ignore[code] reason`, with commas between several codes."


def read_suppressions(
    comments: Iterable[Comment], diagnostics: FileDiagnostics, registry: RuleRegistry
) -> None:
    """Add the suppressions in `comments` to `diagnostics`, and report mistakes in them."""
    for comment in comments:
        if not comment.codes:
            diagnostics.add("bad-ignore", comment.at, "this ignore comment names no rule", _FORM)
        elif not comment.has_reason:
            diagnostics.add(
                "ignore-without-reason",
                comment.at,
                "this ignore comment gives no reason",
                "After the bracket, give the reason why the rule does not apply here.",
            )
        line = _line(comment, diagnostics.source)
        for code, at in comment.codes:
            if code in RETIRED:
                report_retired(code, at, diagnostics)
            elif code in registry.by_code and code not in NOT_ON_A_LINE | FIXED:
                diagnostics.severities.suppressions.setdefault((line, code), Suppression(code, at, line))
            else:
                _refuse(code, at, diagnostics, registry)


def report_retired(code: str, at: TextRange, diagnostics: FileDiagnostics) -> None:
    """Warn of the name of a retired rule, which has no effect."""
    diagnostics.add(
        "retired-rule",
        at,
        f"the rule '{code}' no longer exists: `{RETIRED[code]}` has replaced it, and is an error",
        f"Remove the name. For two similar exams use `distinct`: see {command('explain', RETIRED[code])}.",
        severity=Severity.WARNING,
    )


def _refuse(code: str, at: TextRange, diagnostics: FileDiagnostics, registry: RuleRegistry) -> None:
    known = [each for each in registry.by_code if each not in NOT_ON_A_LINE | FIXED]
    advice = "Only rules can be ignored, not other errors; `reconciler explain` lists them."
    if code in FIXED:
        advice = f"Apply would refuse it. Use `distinct` or `imports`: see {command('explain', code)}."
        known = []
    elif code in NOT_ON_A_LINE:
        advice = "It can be set in `rules` of reconciler.yaml, for the whole workspace."
        known = []
    diagnostics.add(
        "unknown-rule",
        at,
        f"{diagnostics.echo(code)} is not a rule that a comment can ignore",
        suggestion(code, known, advice),
    )


def _line(comment: Comment, source: SourceText) -> int:
    """Return the line to suppress: that of `comment`, or the next line of YAML if the comment is alone."""
    line = source.position(comment.at.start).line
    if comment.is_alone:
        line += 1
        while source.line(line).lstrip().startswith("#"):
            line += 1
    return line


def report_unused(
    manifests: Sequence[FileDiagnostics],
    bases: Sequence[FileDiagnostics],
    registry: RuleRegistry,
    results: RuleResults,
    *,
    is_partial: bool,
) -> None:
    """Warn of suppressions that suppressed nothing, as far as that is certain.

    It is uncertain for rules that did not run or depend on the clock, and in files that rules judged only
    partly. If there is such a file, or `is_partial` (not all manifests were read), it is also uncertain for
    rules that compare exams, and for `bases`, which other manifests may extend.
    """
    files = (*manifests, *bases)
    sees_all = not is_partial and not any(diagnostics.is_partly_judged for diagnostics in files)
    asked_of = {Basis.EXAM, Basis.WORKSPACE} if sees_all else {Basis.EXAM}
    certain = {code for code in results.codes if registry.by_code[code].basis in asked_of}
    used = {
        (diagnostics.source.file, each.line, each.code)
        for diagnostics in files
        for each in diagnostics.severities.suppressions.values()
        if each.is_used
    }
    shared = {diagnostics.source.file for diagnostics in bases}
    for diagnostics in files:
        if sees_all or not (diagnostics.is_partly_judged or diagnostics.source.file in shared):
            _report(diagnostics, certain, used)


def _report(
    diagnostics: FileDiagnostics, certain: Container[str], used: Container[tuple[str, int, str]]
) -> None:
    """Add a warning for each suppression of one file that is unused, if its code is in `certain`."""
    for suppression in diagnostics.severities.suppressions.values():
        if (
            suppression.code in certain
            and (diagnostics.source.file, suppression.line, suppression.code) not in used
        ):
            diagnostics.add(
                UNUSED_SUPPRESSION,
                suppression.at,
                f"there is no finding of {suppression.code} in line {suppression.line} to ignore",
                "Remove the code. Write the comment on the line of a finding, or alone on the line above.",
                severity=Severity.WARNING,
            )
