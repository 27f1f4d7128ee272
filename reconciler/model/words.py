"""Suggestions for a mistyped name, and lists of names for messages."""

from collections.abc import Iterable, Sequence
from typing import Final

_LIKENESS: Final = 0.6
_MAX_WORD: Final = 128
_MOST_TIED: Final = 3
_FEW: Final = 5
_TWINS: Final = str.maketrans("lios", "1105")
"""Letters and the digits that are taken for them, ignoring case."""


def nearest(word: str, known: Iterable[str], *, most: int = 1, likeness: float = _LIKENESS) -> list[str]:
    """Return the names of `known` that are most like `word`, ignoring case, the nearest first.

    Names that differ only in a letter for a digit, as l for 1, are the nearest of all. Those that are as near
    as the last are returned too; with more than three of these, none of them is.
    """
    if len(word) > _MAX_WORD:
        return []
    folded = {name.casefold(): name for name in known}
    from difflib import SequenceMatcher, get_close_matches  # noqa: PLC0415 - only a mistyped name needs it

    word = word.casefold()
    close = get_close_matches(word, folded, n=most + _MOST_TIED, cutoff=likeness)
    ratios = [SequenceMatcher(None, one, word).ratio() for one in close]
    if len(close) > most:
        last = ratios[most - 1]
        count = sum(ratio >= last for ratio in ratios)
        close = close[: count if count < most + _MOST_TIED else sum(ratio > last for ratio in ratios)]
    twins = [one for one in folded if one.translate(_TWINS) == word.translate(_TWINS)]
    return [folded[one] for one in dict.fromkeys((*twins, *close))]


def suggestion(word: str, known: Iterable[str], otherwise: str, *, likeness: float = _LIKENESS) -> str:
    """Return a question that names the nearest of `known`, or `otherwise`."""
    found = nearest(word, known, likeness=likeness)
    return f"did you mean {either(found)}?" if found else otherwise


def either(words: Iterable[str]) -> str:
    """Return `words` in quotes, as a choice."""
    *first, last = (f"'{word}'" for word in words)
    return f"{', '.join(first)} or {last}" if first else last


def listed(words: Iterable[str]) -> str:
    """Return `words` in quotes, with commas."""
    return ", ".join(f"'{word}'" for word in words)


def first_few(texts: Sequence[str], *, between: str = "; ", last: str | None = None, most: int = _FEW) -> str:
    """Return the first `most` of `texts`, and how many more there are.

    They are joined by `between`; the number is joined by `last`, or by `between` if that is None.
    """
    shown, left = between.join(texts[:most]), len(texts) - most
    return f"{shown}{between if last is None else last}and {left} more" if left > 0 else shown
