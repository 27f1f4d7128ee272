"""Words that are close to a mistaken one."""

from collections.abc import Iterable
from typing import Final

_LIKENESS: Final = 0.6
_MAX_WORD: Final = 64


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `word`; None where none is like it."""
    if len(word) > _MAX_WORD:
        return None
    folded = {name.casefold(): name for name in known}
    from difflib import get_close_matches  # noqa: PLC0415 - only what may be a slip needs it

    found = get_close_matches(word.casefold(), folded, n=1, cutoff=_LIKENESS)
    return folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """A question that names the nearest of `known`, or `otherwise`."""
    found = nearest(word, known)
    return otherwise if found is None else f"did you mean '{found}'?"


def listed(words: Iterable[str]) -> str:
    """`words` in quotes, with commas."""
    return ", ".join(f"'{word}'" for word in words)
