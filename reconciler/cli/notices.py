"""Progress, warnings, errors and events of a command, as text or as lines of JSON.

Output during a run must neither stop nor delay the run.
"""

import argparse
import io
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO, cast

from reconciler import host
from reconciler.cli.arguments import error_console, invocation_of
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.outputs.json.events import JsonLog
from reconciler.outputs.text.console import put
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.errors_text import print_error
from reconciler.outputs.text.progress import LogProgress, QuietProgress, TerminalProgress
from reconciler.ports import Progress
from reconciler.workspace import MachineNote

_PATIENCE_S: Final = 5.0


class DetachedStream(io.TextIOBase):
    """A text stream that a thread of its own writes to `target`.

    If the reader is slow, the disk full or the stream closed, only the text is lost.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        # Not through the target's own buffer: a thread hanging in it would keep the interpreter from ending.
        self._descriptor: int | None = target.fileno()
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pass_on, name="detached stream", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take `text`, for the thread to write."""
        self._texts.put(text)
        return len(text)

    def isatty(self) -> bool:
        """Return whether the target is a terminal."""
        return self._target.isatty()

    def fileno(self) -> int:
        """Return the target's descriptor, which gives the width of a terminal."""
        return self._target.fileno()

    def drain(self) -> None:
        """Wait until all text is written, but at most five seconds."""
        self._texts.put(None)
        self._thread.join(_PATIENCE_S)

    def _pass_on(self) -> None:
        while (text := self._texts.get()) is not None:
            if self._descriptor is not None and not _is_written(self._descriptor, text):
                self._descriptor = None


def _is_written(descriptor: int, text: str) -> bool:
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:  # full, broken or closed: nobody reads an error either
        return False
    return True


def is_json(parsed: argparse.Namespace) -> bool:
    """Return whether every line on standard error must be JSON."""
    return getattr(parsed, "log_format", "text") == "json"


@contextmanager
def telling(parsed: argparse.Namespace) -> Iterator[Progress]:
    """Yield the Progress of a run: a bar on a terminal, lines in a log, or JSON.

    It never fails and never delays the run. The end of the context waits until all of it is written.
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
    """Print why the command stopped, with commands that can be copied."""
    invocation_of(parsed).complete_error(error)
    if is_json(parsed):
        _json_log().failed(error)
    else:
        print_error(error, error_console(parsed))


def tell_warnings(parsed: argparse.Namespace, warnings: Sequence[Diagnostic]) -> None:
    """Print each warning; an unwritable stream loses them, so that no warning stops an apply."""
    if not warnings:
        return
    stream = DetachedStream(sys.stderr)
    if is_json(parsed):
        JsonLog(stream.write, host.SystemClock().now).warned(warnings)
    else:
        print_diagnostics(warnings, error_console(parsed, file=cast("TextIO", stream)))
    stream.drain()


def tell_backup(parsed: argparse.Namespace, place: str) -> None:
    """Print where the backup of the previous state is."""
    if is_json(parsed):
        _json_log().backed_up(place)
    else:
        put(error_console(parsed), f"The previous state is kept at {place}")


def tell_note(parsed: argparse.Namespace, message: str, *, hint: str) -> None:
    """Print a note about something that did not stop the command."""
    hint = invocation_of(parsed).completed(hint)
    if is_json(parsed):
        _json_log().noted(message, hint=hint)
    else:
        console = error_console(parsed)
        put(console, f"note: {message}")
        put(console, f"  {hint}")


def tell_notes(parsed: argparse.Namespace, notes: Sequence[MachineNote]) -> None:
    """Print what this machine knows of the state."""
    for note in notes:
        tell_note(parsed, note.message, hint=note.hint)


def work_ended(parsed: argparse.Namespace, code: int) -> None:
    """Record that the work is done: `code` is the exit code even if the result cannot be printed."""
    parsed.ended_with = code


def tell_stop(parsed: argparse.Namespace, message: str, *, hint: str = "") -> None:
    """Print why the command stopped."""
    if is_json(parsed):
        _json_log().stopped(message, hint=hint)
    else:
        _write(f"{message}\n  {hint}\n" if hint else f"{message}\n")


def _json_log() -> JsonLog:
    return JsonLog(_write, host.SystemClock().now)


def _write(text: str) -> None:
    sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    sys.stderr.flush()


@contextmanager
def streaming(parsed: argparse.Namespace) -> Iterator[JsonLog | None]:
    """Yield the stream of events on standard output, or None without `--format jsonl`.

    An error that ends the run before its report is the last event. A slow or ended reader neither delays nor
    ends the run.
    """
    if parsed.format != "jsonl":
        yield None
        return
    stream = DetachedStream(sys.stdout)
    log = JsonLog(stream.write, host.SystemClock().now)
    try:
        yield log
    except ReconcilerError as error:
        invocation_of(parsed).complete_error(error)
        log.failed(error)
        raise
    except OSError as error:
        log.stopped(error.strerror or str(error))
        raise
    except KeyboardInterrupt:
        log.stopped("interrupted: nothing more was sent")
        raise
    finally:
        stream.drain()


class ProgressFanOut:
    """A `reconciler.ports.Progress` that passes each call on to all of `receivers`."""

    def __init__(self, *receivers: Progress) -> None:
        self._receivers = receivers

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Return a function that calls the method `name` of each receiver."""

        def tell(*values: object) -> None:
            for receiver in self._receivers:
                getattr(receiver, name)(*values)

        return tell
