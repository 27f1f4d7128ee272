"""What the parsed arguments and the environment stand for: consoles, the workspace, secrets and keys."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from reconciler.cli.similar_files import question_about
from reconciler.model.commands import command
from reconciler.model.destination import URL_VARIABLE
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.errors import UsageError
from reconciler.model.secret_fingerprints import OLD_STATE_KEY_VARIABLE, STATE_KEY_VARIABLE, StateKeys
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.text.console import Console, put
from reconciler.secret_sources import Secrets
from reconciler.workspace import FIXED_RULES, READS_FAST, RULE_CODES, Workspace

_URL_PASSWORD: Final = re.compile(r"(//[^/@:]*:)[^/@]*@")


def result_console(parsed: argparse.Namespace) -> Console:
    """Return the console for results: standard output."""
    return _console(parsed, sys.stdout)


def error_console(parsed: argparse.Namespace, *, file: TextIO | None = None) -> Console:
    """Return the console for progress, warnings and errors: standard error, or `file` in its place.

    Results that are still buffered are written first: where both streams lead to one place, as in the log of
    a pipeline, their texts are in order.
    """
    if file is None:
        # If that fails, the text stays in the buffer, and the flush at the command's end tells the failure.
        with suppress(OSError):
            sys.stdout.flush()
    return _console(parsed, file or sys.stderr)


def _console(parsed: argparse.Namespace, file: TextIO) -> Console:
    return Console.on(file, os.environ, may_have_styles=not parsed.no_color)


def print_raw(text: str) -> None:
    """Write a document to standard output, byte for byte."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def hint_at_rules(found: Sequence[Diagnostic], console: Console) -> None:
    """If `found` has diagnostics of rules, print once how to explain one, and how to silence or settle it."""
    codes = [each.code for each in found if each.code in RULE_CODES or "/" in each.code]
    if codes:
        code = next((each for each in codes if each not in FIXED_RULES), codes[0])
        how = "how to settle it" if code in FIXED_RULES else "how to silence it"
        text = f"What a rule means, and {how}: {command('explain', code)}"
        put(console, (text, "dim"))


def note_slow_reading(parsed: argparse.Namespace) -> None:
    """If PyYAML lacks its C extension, print that manifests are read slowly, and what helps."""
    if not READS_FAST and parsed.loudness != "quiet":
        text = (
            "note: this PyYAML comes without its C extension, so manifests are read far more slowly. "
            "Install a wheel of PyYAML, or libyaml's headers before building it."
        )
        put(error_console(parsed), (text, "dim"))


def listing(parsed: argparse.Namespace) -> Listing:
    """Return which changes of a plan to list."""
    return Listing.ALL if parsed.loudness == "verbose" else Listing.DIFFERING


def root_of(parsed: argparse.Namespace) -> Path:
    """Return the workspace's directory. Raises UsageError if it is not a directory."""
    try:
        root = Path(parsed.chdir) if parsed.chdir is not None else Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the working directory no longer exists", hint="Change to the directory of the workspace."
        ) from error
    if not root.is_dir():
        raise UsageError(
            f"{root} is not a directory",
            hint=f"{question_about(root)}Give --chdir the directory of the workspace.",
        )
    return root


def below_root(parsed: argparse.Namespace, path: Path) -> Path:
    """Return `path`, below --chdir if it is relative."""
    return root_of(parsed) / path


def read_input(parsed: argparse.Namespace, path: Path | str, *, most: int) -> tuple[bytes, str]:
    """Return the content of the file `path` and its name in messages; `-` is standard input.

    It is cut behind `most` + 1 bytes.
    """
    if str(path) == "-":
        return sys.stdin.buffer.read(most + 1), "standard input"
    with below_root(parsed, Path(path)).open("rb") as file:
        return file.read(most + 1), str(path)


def workspace_of(parsed: argparse.Namespace) -> Workspace:
    """Open the workspace that the arguments name."""
    paths = tuple(getattr(parsed, "paths", ()))
    if "" in paths:
        raise UsageError("a path is empty", hint="Name a manifest. An unset shell variable may be the cause.")
    return Workspace.open(
        root=root_of(parsed),
        paths=paths,
        environment=parsed.env,
        state_url=getattr(parsed, "state", None),
        api_url=getattr(parsed, "api_url", None),
        ambient_api_url=variable(URL_VARIABLE),
        is_strict=getattr(parsed, "strict", False),
        keys=StateKeys(present=variable(STATE_KEY_VARIABLE), previous=variable(OLD_STATE_KEY_VARIABLE)),
    )


def invocation_of(parsed: argparse.Namespace) -> Invocation:
    """Return what the next command needs to work on the same manifests and state, without any password."""
    urls = {"--state": getattr(parsed, "state", None), "--api-url": getattr(parsed, "api_url", None)}
    given = {
        "--chdir": getattr(parsed, "chdir", None),
        "--env": getattr(parsed, "env", None),
        **{option: url and _URL_PASSWORD.sub(r"\1***@", url) for option, url in urls.items()},
    }
    return Invocation(
        tuple(word for option, value in given.items() if value is not None for word in (option, str(value))),
        tuple(getattr(parsed, "paths", ())),
    )


def secrets_of(parsed: argparse.Namespace) -> Secrets:
    """Return the source of secret values: the environment, and the directory of `--secrets-dir`."""
    given = parsed.secrets_dir
    return Secrets(environment=os.environ, directory=None if given is None else below_root(parsed, given))


def variable(name: str) -> str | None:
    """Return the environment variable `name`, or None if it is unset or empty."""
    return os.environ.get(name) or None
