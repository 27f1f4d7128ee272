"""Where `apply` gets the API token from: a variable, a file, or what a command prints. No message holds it.

Nor does a message hold the command: by mistake, the token itself may have been given in its place.
"""

import argparse
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, cast

from reconciler.cli.arguments import below_root, variable
from reconciler.cli.dispatch import STOPPING
from reconciler.cli.similar_files import question_about
from reconciler.model.destination import TOKEN_VARIABLE
from reconciler.model.errors import TokenUnusable
from reconciler.outputs.text.report_text import signal_name
from reconciler.secret_sources import LARGEST_BYTES, read_small_text


def token_source(parsed: argparse.Namespace) -> str:
    """Return the name of the variable or option that gives the token."""
    if parsed.token_command is not None:
        return "--token-command"
    return TOKEN_VARIABLE if parsed.token_file is None else f"--token-file {parsed.token_file}"


def api_token(parsed: argparse.Namespace) -> str:
    """Return the token, without white space around it. Raises TokenUnusable."""
    try:
        if parsed.token_command is not None:
            return printed_by(parsed.token_command)
        if parsed.token_file is not None:
            return read_small_text(below_root(parsed, parsed.token_file), f"{parsed.token_file}").strip()
    except LookupError as error:
        meant = question_about(below_root(parsed, parsed.token_file)) if parsed.token_file else ""
        raise TokenUnusable(
            f"the token {error}",
            hint=f"{meant}The file, or the output of the command, must be the token and nothing else. "
            "Nothing was sent.",
        ) from error
    return (variable(TOKEN_VARIABLE) or "").strip()


def printed_by(command: Sequence[str], *, within_s: float = 60) -> str:
    """Run `command` without a shell and without input, and return the one line that it prints.

    Raises LookupError for another result. All that it started then ends with it, as when this run is stopped.
    """
    held = _HeldSignals()
    try:
        process = subprocess.Popen(  # noqa: S603 - the user names the program
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, process_group=0
        )
    except OSError as error:
        held.release()
        raise LookupError(f"command cannot be started: {error.strerror}") from error
    try:
        held.release()
        printed = b"".join(_parts_of(process, within_s))
    except BaseException:
        with suppress(ProcessLookupError, PermissionError):  # it has ended already
            os.killpg(process.pid, signal.SIGKILL)
        cast("IO[bytes]", process.stdout).close()
        raise
    finally:
        code = process.wait()
    if code:
        ending = f"exit status {code}" if code > 0 else signal_name(-code)
        raise LookupError(f"command failed, with {ending}")
    text = printed.decode("ascii", "replace").strip()
    if not text or len(text.splitlines()) > 1:
        raise LookupError(f"command printed {'more than one line' if text else 'nothing'}")
    return text


class _HeldSignals:
    """Holds back signals that end this run, until `release`.

    One that came while a command is being started would leave that command running, unknown to this run.
    """

    def __init__(self) -> None:
        self._came: list[int] = []
        self._before = {
            number: signal.signal(number, lambda came, _: self._came.append(came))
            for number in STOPPING
            if callable(signal.getsignal(number))
        }

    def release(self) -> None:
        """Put the handlers back, and send again what came."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for came in self._came:
            signal.raise_signal(came)


def _parts_of(process: "subprocess.Popen[bytes]", within_s: float) -> Iterator[bytes]:
    """Yield what `process` prints until it ends. Raises LookupError if it is too much or too slow."""
    ends_at_s = time.monotonic() + within_s
    size_bytes = 0
    with cast("IO[bytes]", process.stdout) as pipe:
        while select.select([pipe], [], [], max(0.0, ends_at_s - time.monotonic()))[0]:
            part = os.read(pipe.fileno(), LARGEST_BYTES)
            size_bytes += len(part)
            if size_bytes > LARGEST_BYTES:
                raise LookupError(f"command printed more than {LARGEST_BYTES // 1024} KiB")
            if not part:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, ends_at_s - time.monotonic()))
                    return
                break
            yield part
    raise LookupError(f"command did not end within {within_s:g} seconds")
