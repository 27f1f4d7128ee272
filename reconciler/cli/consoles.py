"""Consoles, and what the arguments say about printing and about the workspace."""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from reconciler.model.errors import UsageError
from reconciler.outputs import Listing, LogProgress, QuietProgress, TerminalProgress
from reconciler.ports import Progress
from reconciler.workflows import Scope


def result_console(parsed: argparse.Namespace) -> Console:
    """Where results are printed."""
    return _console(parsed, is_error=False)


def error_console(parsed: argparse.Namespace) -> Console:
    """Where progress, warnings and errors are printed."""
    return _console(parsed, is_error=True)


def _console(parsed: argparse.Namespace, *, is_error: bool) -> Console:
    return Console(
        stderr=is_error,
        no_color=True if parsed.no_color else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def print_raw(text: str) -> None:
    """Print a document on standard output, byte for byte."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def listing(parsed: argparse.Namespace) -> Listing:
    """How much of a plan to list."""
    return Listing.ALL if parsed.loudness == "verbose" else Listing.DIFFERING


def progress(parsed: argparse.Namespace) -> Progress:
    """How to show that work goes on: a bar on a terminal, lines in a log."""
    if parsed.loudness == "quiet":
        return QuietProgress()
    console = error_console(parsed)
    return TerminalProgress(console) if console.is_terminal else LogProgress(console)


def root_of(parsed: argparse.Namespace) -> Path:
    """The workspace's directory. Raises UsageError if it is none."""
    root = Path(parsed.chdir) if parsed.chdir is not None else Path.cwd()
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory", hint="Give --chdir the directory of the workspace.")
    return root


def below_root(parsed: argparse.Namespace, path: Path) -> Path:
    """`path` as the user means it: below --chdir if it is relative."""
    return root_of(parsed) / path


def scope_of(parsed: argparse.Namespace) -> Scope:
    """What the arguments say the work is about."""
    return Scope(
        root=root_of(parsed),
        paths=tuple(getattr(parsed, "paths", ())),
        environment_name=parsed.env,
        state_url=getattr(parsed, "state", None),
        is_strict=getattr(parsed, "strict", False),
    )


def variable(name: str) -> str | None:
    """The environment variable `name`; None where it is not set or empty."""
    return os.environ.get(name) or None
