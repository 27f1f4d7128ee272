"""All rules by their codes: those that come with the product, and those of plug-ins."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct, field

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.rules import Basis, Context, Exam, Finding, Rule
from reconciler.rules import (
    access,
    clock,
    cohorts,
    duplicates,
    durations,
    items,
    pasted,
    placeholders,
    practice,
    proctors,
    sharing,
    titles,
    windows,
)

INLINE: Final = "inline-secret"
NO_SUMMER_TIME: Final = "no-summer-time"
LOST_TEXT: Final = "lost-text"
STRAY: Final = "stray-manifest"
UNUSED_SUPPRESSION: Final = "unused-ignore"
PLUGIN_FAILED: Final = "plugin-failed"
NOT_ON_A_LINE: Final = frozenset({STRAY, UNUSED_SUPPRESSION, PLUGIN_FAILED})
"""Rules whose findings no comment can suppress."""
FIXED: Final = frozenset({"same-exam"})
"""Rules whose severity is fixed and that nothing suppresses: apply would refuse what they find."""


def _found_elsewhere(_: Sequence[Exam], __: Context) -> Iterable[Finding]:
    """Yield nothing: such findings are made while manifests are read, or while rules run."""
    return ()


_OTHERS: Final = (
    Rule(code=INLINE, summary="a password written out", check=_found_elsewhere),
    Rule(code=LOST_TEXT, summary="text that YAML takes for a comment or an anchor", check=_found_elsewhere),
    Rule(
        code=NO_SUMMER_TIME,
        summary="a time zone that is one offset all year, such as `EST`",
        check=_found_elsewhere,
    ),
    Rule(
        code=STRAY,
        basis=Basis.WORKSPACE,
        summary="a manifest that no path of `manifests` names",
        check=_found_elsewhere,
    ),
    Rule(
        code=UNUSED_SUPPRESSION,
        basis=Basis.WORKSPACE,
        summary="an ignore comment that suppresses nothing",
        check=_found_elsewhere,
    ),
    Rule(
        code=PLUGIN_FAILED,
        severity=Severity.ERROR,
        basis=Basis.WORKSPACE,
        summary="rules of a plug-in that failed",
        check=_found_elsewhere,
    ),
)
BUILT_IN: Final = tuple(
    sorted(
        (
            *_OTHERS,
            *windows.RULES,
            *durations.RULES,
            *clock.RULES,
            *access.RULES,
            *items.RULES,
            *titles.RULES,
            *placeholders.RULES,
            *practice.RULES,
            *duplicates.RULES,
            *pasted.RULES,
            *proctors.RULES,
            *sharing.RULES,
            *cohorts.RULES,
        ),
        key=lambda rule: rule.code,
    )
)
CODES: Final = tuple(rule.code for rule in BUILT_IN)
"""The codes of all rules that come with the product."""
ADJUSTABLE: Final = frozenset(CODES) - FIXED
"""The codes of built-in rules whose severity a workspace may set."""


class RuleRegistry(Struct, frozen=True, dict=True):
    """The rules of a run; `faults` are errors of plug-ins that gave none."""

    rules: tuple[Rule, ...] = BUILT_IN
    faults: tuple[Diagnostic, ...] = field(default=())

    @cached_property
    def by_code(self) -> Mapping[str, Rule]:
        """The rules by code."""
        return {rule.code: rule for rule in self.rules}

    @property
    def adjustable(self) -> frozenset[str]:
        """The codes of the rules whose severity a workspace may set."""
        return frozenset(self.by_code) - FIXED

    @property
    def timely(self) -> frozenset[str]:
        """The codes of the rules that depend on the present moment."""
        return frozenset(rule.code for rule in self.rules if rule.basis is Basis.CLOCK)
