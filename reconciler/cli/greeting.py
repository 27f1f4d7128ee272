"""What `reconciler` alone prints: what it is, and what to do next in this folder."""

import argparse
import os
from typing import Final

from reconciler.cli.arguments import invocation_of, result_console, root_of
from reconciler.cli.example_files import TAKEN
from reconciler.cli.exit_codes import DONE
from reconciler.model.diagnostics import Severity
from reconciler.model.errors import ReconcilerError, StateAbsent, StateExists
from reconciler.model.plan import Action, Plan
from reconciler.model.words import listed
from reconciler.outputs.text.console import count_of, put, put_wrapped
from reconciler.workspace import Workspace

_WHAT_IT_IS: Final = "reconciler creates the exams that a git repository declares, each of them once."


def greet(parsed: argparse.Namespace) -> int:
    """Print what the program is, how things stand in this folder, and the next command."""
    console = result_console(parsed)
    standing, then = _standing(parsed)
    for text in (_WHAT_IT_IS, "", standing, invocation_of(parsed).completed(f"Next: {then}")):
        put_wrapped(console, text)
    put(console, "All commands: reconciler --help")
    return DONE


def _standing(parsed: argparse.Namespace) -> tuple[str, str]:
    """Return how things stand in the folder, and the next command."""
    root = root_of(parsed)
    try:
        if any(os.path.lexists(root / name) for name in TAKEN):
            return _of_workspace(Workspace.open(root=root), parsed)
    except (ReconcilerError, OSError) as error:
        return f"{error}", "`reconciler plan`"
    return "There are no exams in this folder yet.", "`reconciler init --example`"


def _of_workspace(workspace: Workspace, parsed: argparse.Namespace) -> tuple[str, str]:
    """Return the same for a folder with manifests or a workspace file. Only a local state is read."""
    mistakes = sum(each.severity is Severity.ERROR for each in workspace.validate().diagnostics)
    if mistakes:
        return f"{count_of(mistakes, 'mistake')} in the manifests.", "`reconciler validate`"
    if len(workspace.environments) > 1:
        parsed.env = workspace.environments[0]  # so that the next command names it
        return f"The environments are {listed(workspace.environments)}.", "`reconciler plan`"
    if not workspace.has_local_state:
        return f"The state is at {workspace.location}.", "`reconciler plan`"
    try:
        return _of_plan(workspace.plan().plan)
    except StateAbsent:
        return _without_state(workspace)


def _without_state(workspace: Workspace) -> tuple[str, str]:
    """Return the same for a folder whose state is still to be made, or is lost."""
    try:
        workspace.refuse_lost()
    except StateExists as lost:
        then = "`reconciler state restore` for the backup, or `reconciler state restore FILE` for a copy"
        return f"The state is missing: {lost}.", then
    return "Exams are declared, but there is no state yet to record them in.", "`reconciler init`"


def _of_plan(plan: Plan) -> tuple[str, str]:
    doubts, creates = plan.count(Action.IN_DOUBT), plan.count(Action.CREATE)
    if doubts:
        return (
            f"{count_of(doubts, 'exam')} in doubt: only a person can find out what became of the request.",
            "`reconciler plan`, which says where to look and how to record what you find",
        )
    if plan.guards:
        return "`reconciler apply` would refuse what is declared.", "`reconciler plan`"
    if plan.to_make:
        return f"{count_of(creates, 'exam')} to create.", "`reconciler plan`, then `reconciler apply`"
    return "All declared exams exist.", "`reconciler plan`, whenever a manifest has changed"
