"""Which words announce a secret, and source lines with every secret on them masked."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from reconciler.manifest.yaml_nodes import Stretch

MASK: Final = "***"

_ANNOUNCING: Final = ("pass", "pwd", "secret")
_SECRET_WORD: Final = "password"  # noqa: S105 - the word, not one
_LIKENESS: Final = 0.7
_MAX_WORD: Final = 14
"""Of a longer word too much is left over, even if it has every letter of `password`."""
_WORD: Final = re.compile(r"[^\W_]+|[\w.@$-]+")
_CLOSED_PLAIN: Final = re.compile(r"""\s*:?\s+[^\s"'|>&*{\[!?#][^"'{}\[\]#&*]*(?:\s#.*)?""")
_CLOSED_QUOTED: Final = re.compile(r"""\s*["']?\s*:\s*(?:"[^"\\]*"|'[^']*')\s*(?:#.*)?""")
_MASKED_BEHIND: Final = re.compile(r"""["']?\s*:\s*(?:\*\*\*|\{?\s*$)""")
_ESCAPE: Final = re.compile(r"\\[xuU]")
_INDIRECT: Final = re.compile(r"[*&]\S")


@lru_cache(maxsize=4096)
def announces_secret(key: str) -> bool:
    """Whether a value under `key` is to be taken for a secret, misspellings of `password` included."""
    word = key.casefold()
    if any(part in word for part in _ANNOUNCING):
        return True
    if len(word) > _MAX_WORD or _most_likeness(word) < _LIKENESS:
        return False
    from difflib import SequenceMatcher  # noqa: PLC0415 - only what may be a slip needs it

    return SequenceMatcher(None, word, _SECRET_WORD).ratio() >= _LIKENESS


def _most_likeness(word: str) -> float:
    """What the likeness of `word` cannot be above, in a fraction of the time that telling it takes."""
    shared = sum(map(_SECRET_WORD.__contains__, word))
    return 2 * min(shared, len(_SECRET_WORD)) / (len(word) + len(_SECRET_WORD))


def printable(text: str) -> str:
    """`text` with one visible character in place of each that would steer a terminal."""
    if text.isascii() and text.isprintable():
        return text  # as nearly always
    return "".join(" " if char == "\t" else char if _is_shown(char) else "\ufffd" for char in text)


def _is_shown(char: str) -> bool:
    return (char.isascii() and char.isprintable()) or unicodedata.category(char)[0] not in "CZ" or char == " "


def masked_line(line: str, offset: int, secrets: Sequence[Stretch], upto: int) -> str | None:
    """`line`, which starts at `offset`, with every stretch of `secrets` (sorted, disjoint) masked.

    None where a mask would shift what stands at `upto`, so that a marker under it would point elsewhere.
    """
    pieces: list[str] = []
    done = 0
    at = bisect_right(secrets, offset, key=lambda secret: secret.end)
    while at < len(secrets) and secrets[at].start < offset + len(line):
        start, end = secrets[at]
        at += 1
        first, last = max(start - offset, done), min(end - offset, len(line))
        if first >= last:
            continue
        if last <= upto - offset:
            return None
        pieces += [line[done:first], MASK]
        done = last
    return "".join([*pieces, line[done:]])


def has_loose_announcement(shown: str) -> bool:
    """Whether a word on a masked line announces a secret other than the one that is masked behind it.

    Such as in a comment, in quoted YAML, or in a list where a mapping was meant.
    """
    if not any(map(announces_secret, _WORD.findall(shown))):
        return False  # as nearly always
    return any(
        announces_secret(found.group()) and _MASKED_BEHIND.match(shown, found.end()) is None
        for found in _WORD.finditer(shown)
    )


def guarded_line(lines: Sequence[str], index: int) -> str | None:
    """The line at `index` of a text that could not be parsed, with all that may be secret masked.

    None where that cannot be told: after a secret that may go on, or where keys or values are indirect.
    """
    marks = [(at, cut) for at, line in enumerate(lines) if (cut := _announcement(line)) is not None]
    if not marks:
        return lines[index]
    if any(_ESCAPE.search(line) or _INDIRECT.search(line) for line in lines):
        return None
    own = next((cut for at, cut in marks if at == index), None)
    before = [(at, cut) for at, cut in marks if at < index]
    if any(not _is_closed(lines, at, cut, index) for at, cut in before):
        return None
    return lines[index] if own is None else f"{lines[index][:own]}: {MASK}"


def _announcement(line: str) -> int | None:
    """Where the first word on `line` that announces a secret ends; None where none does."""
    ends = [found.end() for found in _WORD.finditer(line) if announces_secret(found.group())]
    return min(ends, default=None)


def _is_closed(lines: Sequence[str], at: int, cut: int, index: int) -> bool:
    """Whether the secret on line `at` has surely ended before line `index`."""
    rest = lines[at][cut:]
    if _CLOSED_QUOTED.fullmatch(rest) is None and _CLOSED_PLAIN.fullmatch(rest) is None:
        return False
    indent = _indent(lines[at])
    return any(line.strip() and _indent(line) <= indent for line in lines[at + 1 : index + 1])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
