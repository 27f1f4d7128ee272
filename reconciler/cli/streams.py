"""Standard streams that always exist and never end a command with a traceback."""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def open_streams() -> None:
    """Make all three standard streams usable, whatever the process was started with.

    A closed stream is opened on the null device. Otherwise the next opened file, perhaps the state, would get
    its descriptor, and printed text would go into that file. Standard error drops text that it cannot write.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is the stream's own
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="backslashreplace")
    if sys.platform == "win32":  # its console shows only what Python's own streams write
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")
        return
    out, told = sys.stdout, sys.stderr
    results = _ResultFile(out.fileno(), "w", closefd=False)
    sys.stdout = _text_on(results, out.encoding, line_buffering=bool(out.line_buffering))
    sys.stderr = _text_on(_LossyFile(told.fileno(), "w", closefd=False), told.encoding, line_buffering=True)


def _text_on(file: io.FileIO, encoding: str, *, line_buffering: bool) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(file), encoding, "backslashreplace", line_buffering=line_buffering
    )


class _ResultFile(io.FileIO):
    """Standard output; an error of writing names it."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = "standard output"
            raise


class _LossyFile(io.FileIO):
    """A file that drops data which it cannot write, instead of raising OSError."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data) or len(memoryview(data))
        except OSError:
            return len(memoryview(data))


def flush_results() -> None:
    """Flush standard output; drop what cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        # Otherwise Python tries again when it ends, and prints an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
