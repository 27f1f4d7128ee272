"""Text from outside: a server's message, a host's name, a commit, the holder of a lock.

It is tamed once, where it enters. After that it is safe for every encoding, log and terminal.
"""

from typing import Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
SHORT: Final = 200
"""Most characters of the name of a person, host, repository or request."""


def tamed(text: str, *, most: int = SHORT) -> str:
    """Return `text` on one line, printable, encodable as UTF-8, and at most `most` characters long.

    White space becomes single spaces. Half a character (a lone surrogate), a control character and an
    invisible one become U+FFFD. Longer text is cut and ends with an ellipsis. Tamed text stays as it is.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(each if each.isprintable() else REPLACEMENT for each in line)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def spelt_out(text: str) -> str:
    """Return `text` with an escape in place of each character that cannot be printed."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
