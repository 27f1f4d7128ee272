"""Rules of installed plug-ins: packages with an entry point of the group `reconciler.rules`.

A plug-in is code that somebody installed. A file in the workspace never is one, because `validate` and `plan`
run on pull requests of strangers.
"""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.outside_text import tamed
from reconciler.model.rules import Basis, Rule
from reconciler.rules.registry import BUILT_IN, PLUGIN_FAILED, RuleRegistry

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "reconciler.rules"

_CODE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")


class _NotRules(Exception):
    """The object of an entry point is not a list of usable rules."""


def find_rules(root: Path) -> RuleRegistry:
    """Return the built-in rules and those of plug-ins, for the workspace at `root`; errors become faults."""
    rules = {rule.code: rule for rule in BUILT_IN}
    faults: list[Diagnostic] = []
    for entry in _entries(root):
        try:
            for rule in _loaded(entry):
                if rule.code in rules:
                    raise _NotRules(f"the rule {rule.code} is defined twice")  # noqa: TRY301 - one place reports it
                rules[rule.code] = rule
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others may raise anything
            faults.append(
                fault(f"the rules of the plug-in '{entry.name}' ({entry.value}) cannot be loaded", error)
            )
    return RuleRegistry(tuple(rules.values()), tuple(faults))


def fault(what: str, error: BaseException) -> Diagnostic:
    """Return the diagnostic for code of a plug-in that failed, with its error on one line."""
    said = _said(error)
    reason = said if isinstance(error, _NotRules) else f"{type(error).__name__}: {said}"
    return Diagnostic(
        severity=Severity.ERROR,
        code=PLUGIN_FAILED,
        message=f"{what}: {tamed(reason)}",
        hint=f"Mend, update or remove the plug-in; `rules: {{{PLUGIN_FAILED}: warning}}` goes on without it.",
    )


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - this too is code of others
        return "and it cannot say why"


def _entries(root: Path) -> "list[EntryPoint]":
    """Return the entry points of installed packages, sorted by name, each once.

    `python -m` puts the working directory on the path, and a repository there could hold what looks like an
    installed package. So the working directory and the workspace are skipped.
    """
    here = {os.path.realpath(root), os.path.realpath(Path.cwd())}
    path = [entry for entry in sys.path if entry and os.path.realpath(entry) not in here]
    if not any(map(_may_hold_one, path)):
        return []
    from importlib.metadata import distributions  # noqa: PLC0415 - loading it costs more than the rules do

    found: dict[tuple[str, str], EntryPoint] = {}
    for package in distributions(path=path):
        if GROUP in (package.read_text("entry_points.txt") or ""):
            for entry in package.entry_points:
                if entry.group == GROUP:
                    found.setdefault((entry.name, entry.value), entry)
    return [entry for _, entry in sorted(found.items())]


def _may_hold_one(directory: str) -> bool:
    """Return whether a package in `directory` may be a plug-in; True also for what cannot be looked into."""
    if not os.path.isdir(directory):  # noqa: PTH112 - it may be no path at all
        return os.path.exists(directory)  # noqa: PTH110 - as above
    listed = Path(directory).glob("*-info/entry_points.txt")
    try:
        return any(GROUP in file.read_text(encoding="utf-8", errors="replace") for file in listed)
    except OSError:
        return True


def _loaded(entry: "EntryPoint") -> Iterable[Rule]:
    """Return the rules that `entry` names. Raises _NotRules, and any error of their import."""
    named = entry.load()
    rules = [named] if isinstance(named, Rule) else named
    if not isinstance(rules, list | tuple) or not all(isinstance(rule, Rule) for rule in rules):
        raise _NotRules("it names neither a Rule nor a list of them")
    for rule in rules:
        if not _CODE.fullmatch(rule.code):
            raise _NotRules(f"a rule's code must be vendor/code in kebab case, unlike {rule.code!r}")
        if not isinstance(rule.severity, Severity) or not isinstance(rule.basis, Basis):
            raise _NotRules(f"severity and basis of {rule.code} must be a Severity and a Basis")
    return rules
