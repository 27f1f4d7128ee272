"""A stream that neither holds up nor fails its writer: what tells of a run must not be able to stop it."""

import io
import os
import queue
import threading
from typing import Final, TextIO

_PATIENCE_S: Final = 5.0


class DetachedStream(io.TextIOBase):
    """Passes text on to `target` from a thread of its own.

    A reader that stopped reading, a full disk or a closed stream costs the text and nothing else.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        # Past the target's own buffer: a thread that hangs in there would keep the interpreter from ending.
        self._descriptor: int | None = target.fileno()
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pass_on, name="detached stream", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take `text`; it is passed on soon."""
        self._texts.put(text)
        return len(text)

    def isatty(self) -> bool:
        """Return whether a person may be watching."""
        return self._target.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the target, for who asks how wide it is."""
        return self._target.fileno()

    def drain(self) -> None:
        """Return once all is passed on, or after five seconds if a reader does not take it."""
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
    except OSError:  # full, broken or closed: there is nobody to be told
        return False
    return True
