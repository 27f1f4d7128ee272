"""What an apply says of the recovery files on this machine."""

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

from reconciler.cli.consoles import invocation_of, root_of
from reconciler.sending import Recovery


def recovery_notes(parsed: argparse.Namespace, recovery: Recovery) -> Iterator[tuple[str, str]]:
    """What to tell of `recovery`: messages, each with what to do next."""
    if recovery.file is not None:
        path = _shown(parsed, recovery.file)
        yield (
            f"outcomes that the state may not have are kept in {path}",
            f"Once the state can be written again: {_command(parsed, path)}",
        )
    if recovery.failure is not None:
        yield (
            f"the recovery file could not be written: {recovery.failure}",
            "The state has every outcome that is not reported otherwise. Make room, or give --recovery-dir.",
        )
    for earlier in recovery.earlier:
        path = _shown(parsed, earlier)
        yield (
            f"an earlier run left outcomes in {path} that the state does not have",
            f"Feed them back: {_command(parsed, path)}",
        )


def _shown(parsed: argparse.Namespace, path: Path) -> Path:
    """`path` as an argument of the next command: below --chdir where it can be."""
    root = root_of(parsed)
    return path.relative_to(root) if path.is_relative_to(root) else path


def _command(parsed: argparse.Namespace, path: Path) -> str:
    return invocation_of(parsed).command("state", "recover", shlex.quote(str(path)))
