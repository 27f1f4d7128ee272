"""Print diagnostics in the formats of CI systems, with paths from the root of the repository."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from reconciler.cli.arguments import invocation_of, print_raw, root_of, variable
from reconciler.explaining.pages import DIAGNOSTICS, words
from reconciler.explaining.topics import page_of
from reconciler.model.declarations import Loaded
from reconciler.outputs.ci.github import github_commands, github_summary
from reconciler.outputs.ci.gitlab import code_quality_report
from reconciler.outputs.ci.help_texts import Help
from reconciler.outputs.ci.junit import junit_text
from reconciler.outputs.ci.places import Checkout
from reconciler.outputs.ci.sarif import sarif_document
from reconciler.outputs.json.writers import to_text
from reconciler.workspace import Workspace

_CHECKOUTS: Final = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def print_for_ci(parsed: argparse.Namespace, loaded: Loaded) -> None:
    """Print the diagnostics of `loaded` in the CI format of `--format`; for GitHub, add the job summary."""
    found, checkout = loaded.diagnostics, checkout_of(parsed)
    if parsed.format == "gitlab":
        print_raw(to_text(code_quality_report(found, checkout)))
    elif parsed.format == "sarif":
        print_raw(to_text(sarif_document(found, checkout, helps=_helps(root_of(parsed)))))
    elif parsed.format == "junit":
        print_raw(junit_text(loaded, checkout))
    else:
        summary, invocation = variable("GITHUB_STEP_SUMMARY"), invocation_of(parsed)
        print_raw(github_commands(found, checkout, has_summary=summary is not None, invocation=invocation))
        if summary is not None:  # other commands of the CI step may have written to it
            with Path(summary).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(github_summary(found, checkout, invocation=invocation))


def _helps(root: Path) -> Mapping[str, Help]:
    """Return the help for all checks: pages of rules, texts of docs/explain.md for the others."""
    rules = Workspace.open(root=root).rules
    pages = {rule.code: Help(sentence=f"Finds {rule.summary}.", markdown=page_of(rule)) for rule in rules}
    codes = {word.name: word for word in words().values() if word.group == DIAGNOSTICS}
    return {name: Help(sentence=word.sentence, markdown=word.text) for name, word in codes.items()} | pages


def checkout_of(parsed: argparse.Namespace) -> Checkout:
    """Return the directories of the repository and the workspace, links resolved.

    The repository is the nearest directory at or above the workspace with a `.git`, else the one that a CI
    variable names, else the working directory, if the workspace is below it; otherwise the workspace itself.
    """
    workspace = Path(os.path.realpath(root_of(parsed)))
    above = [path for path in (workspace, *workspace.parents) if (path / ".git").exists()]
    said = [Path(os.path.realpath(path)) for name in _CHECKOUTS if (path := variable(name)) is not None]
    candidates = [*above[:1], *said, Path(os.path.realpath(Path.cwd())), workspace]
    repository = next(path for path in candidates if workspace.is_relative_to(path))
    return Checkout(PurePosixPath(repository.as_posix()), PurePosixPath(workspace.as_posix()))
