"""Command lines in messages, for people to copy."""

import re
import shlex
from typing import Final

_SAFE_WORD: Final = re.compile(r"[\w@%+:,./…-][\w@%+:,./…=-]*")


def command(*words: str) -> str:
    """Return the command line `reconciler WORDS` in backticks, its words quoted for a shell."""
    return f"`reconciler {' '.join(map(shell_word, words))}`"


def shell_word(text: str) -> str:
    """Return `text` as one word of a shell's command line, on one line and without backticks.

    What cannot be shown is written as $'…', which bash, zsh and ksh read.
    """
    if _SAFE_WORD.fullmatch(text):
        return text
    if text.isprintable() and "`" not in text:
        return shlex.quote(text)
    return f"$'{''.join(map(_in_ansi_c, text.encode('utf-8', 'surrogateescape')))}'"


def _in_ansi_c(byte: int) -> str:
    char = chr(byte)
    return char if char.isascii() and char.isprintable() and char not in "'\\`" else f"\\{byte:03o}"
