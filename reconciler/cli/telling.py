"""What a command tells on standard error beside its results: as text for people, or as lines of JSON."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO, cast

from reconciler import host
from reconciler.cli.consoles import error_console, invocation_of
from reconciler.cli.detached import DetachedStream
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.outputs.diagnostics_text import print_diagnostics
from reconciler.outputs.errors_text import print_error
from reconciler.outputs.json_log import JsonLog
from reconciler.outputs.progress import LogProgress, QuietProgress, TerminalProgress
from reconciler.outputs.terminal import put
from reconciler.ports import Progress


def is_json(parsed: argparse.Namespace) -> bool:
    """Whether every line on standard error is to be JSON."""
    return getattr(parsed, "log_format", "text") == "json"


@contextmanager
def telling(parsed: argparse.Namespace) -> Iterator[Progress]:
    """What a run tells, as it goes; when the context ends, all of it has been told.

    A bar on a terminal, lines in a log, or JSON. Telling never fails and never holds the run up.
    """
    stream = DetachedStream(sys.stderr)
    try:
        yield _progress(parsed, stream)
    finally:
        stream.drain()


def _progress(parsed: argparse.Namespace, stream: DetachedStream) -> Progress:
    if is_json(parsed):
        return JsonLog(stream.write, host.SystemClock().now)
    if parsed.loudness == "quiet":
        return QuietProgress()
    console = error_console(parsed, file=cast("TextIO", stream))
    return TerminalProgress(console) if console.is_terminal else LogProgress(console)


def tell_error(parsed: argparse.Namespace, error: ReconcilerError) -> None:
    """Why the command stopped is told, with all that `error` carries, its commands ready to be copied."""
    if hasattr(parsed, "state"):  # a command that works on one
        invocation_of(parsed).complete_error(error)
    if is_json(parsed):
        _json_log().failed(error)
    else:
        print_error(error, error_console(parsed))


def tell_warnings(parsed: argparse.Namespace, warnings: Sequence[Diagnostic]) -> None:
    """Each warning is told, or lost where nobody reads: no warning stops an apply."""
    if not warnings:
        return
    stream = DetachedStream(sys.stderr)
    if is_json(parsed):
        JsonLog(stream.write, host.SystemClock().now).warned(warnings)
    else:
        print_diagnostics(warnings, error_console(parsed, file=cast("TextIO", stream)))
    stream.drain()


def tell_backup(parsed: argparse.Namespace, place: str) -> None:
    """Where the state before is kept is told."""
    if is_json(parsed):
        _json_log().backed_up(place)
    else:
        put(error_console(parsed), f"The state before is at {place}")


def tell_note(parsed: argparse.Namespace, message: str, *, hint: str) -> None:
    """Something that a person should know, though the command went on, is told."""
    if is_json(parsed):
        _json_log().noted(message, hint=hint)
    else:
        console = error_console(parsed)
        put(console, f"note: {message}")
        put(console, f"  {hint}")


def work_ended(parsed: argparse.Namespace, code: int) -> None:
    """Note that a command's work is done: `code` is its exit code, even if it cannot be told of."""
    parsed.ended_with = code


def tell_stop(parsed: argparse.Namespace, message: str, *, hint: str = "") -> None:
    """Why the command stopped is told."""
    if is_json(parsed):
        _json_log().stopped(message, hint=hint)
    else:
        _write(f"{message}\n  {hint}\n" if hint else f"{message}\n")


def _json_log() -> JsonLog:
    return JsonLog(_write, host.SystemClock().now)


def _write(text: str) -> None:
    sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    sys.stderr.flush()
