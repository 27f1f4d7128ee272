"""Suggestions for a mistyped name, and lists of names for messages."""

from collections.abc import Iterable, Sequence
from typing import Final

_LIKENESS: Final = 0.6
_MAX_WORD: Final = 128
_FEW: Final = 5


def nearest(word: str, known: Iterable[str], *, most: int = 1, likeness: float = _LIKENESS) -> list[str]:
    """Return the names of `known` that are most like `word`, ignoring case, the nearest first."""
    if len(word) > _MAX_WORD:
        return []
    folded = {name.casefold(): name for name in known}
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped name needs it

    return [folded[one] for one in get_close_matches(word.casefold(), folded, n=most, cutoff=likeness)]


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a question that names the nearest of `known`, or `otherwise`."""
    found = nearest(word, known)
    return f"did you mean '{found[0]}'?" if found else otherwise


def listed(words: Iterable[str]) -> str:
    """Return `words` in quotes, with commas."""
    return ", ".join(f"'{word}'" for word in words)


def first_few(texts: Sequence[str], *, between: str = "; ", last: str | None = None) -> str:
    """Return the first five of `texts`, and how many more there are.

    They are joined by `between`; the number is joined by `last`, or by `between` if that is None.
    """
    shown, left = between.join(texts[:_FEW]), len(texts) - _FEW
    return f"{shown}{between if last is None else last}and {left} more" if left > 0 else shown
