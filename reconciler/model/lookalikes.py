"""Characters that look like others: letters of other scripts, styled letters, odd spaces.

Mathematics, Greek names and titles in other scripts are legitimate: a letter counts only if it looks just
like a Latin one and is among Latin letters.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff]"
)
"""Characters that show nothing (Default_Ignorable_Code_Point) and are not in the categories Cc and Cf.

These are fillers, variation selectors, and code points that are reserved for more of them.
"""
_CYRILLIC: Final = dict(
    zip("АВЕКМНОРСТУХІЈЅԚԜаеорсухіјѕԁһԛԝ", "ABEKMHOPCTYXIJSQWaeopcyxijsdhqw", strict=True)
)
_GREEK: Final = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True))  # noqa: RUF001 - they are meant
_TWINS: Final = _CYRILLIC | _GREEK
_TO_LATIN: Final = str.maketrans(_TWINS)
_STYLED: Final = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff]")
"""Wide forms and mathematical alphabets, which stand for plain letters and digits."""
_WORD: Final = re.compile(r"[^\W_]+")
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")
_OTHER_LETTER: Final = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_JOINERS: Final = frozenset("\u200c\u200d")
_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


def latinised(title: str) -> str:
    """Return `title` with Latin letters in place of look-alikes, and without invisible characters."""
    if title.isascii():
        return title
    plain = unicodedata.normalize("NFKC", title).translate(_TO_LATIN)
    return "".join(char for char in plain if unicodedata.category(char) != "Cf")


def deceptions(title: str) -> Iterator[str]:
    """Yield a phrase for each deceptive character of `title`, ordered by kind."""
    yield from _unseen(title)
    if not _LATIN.search(title):
        return
    for char in _STYLED.findall(title):
        yield f"{named(char)} in place of '{unicodedata.normalize('NFKC', char)}'"
    foreign = any(_OTHER_LETTER.match(char) and char not in _TWINS for char in title)
    for word in _WORD.findall(title):
        twins = [char for char in word if char in _TWINS]
        if twins and (_stands_among_latin(word) or (not foreign and len(twins) == len(word) > 1)):
            yield from (f"{named(char)} in place of '{_TWINS[char]}'" for char in twins)


def _stands_among_latin(word: str) -> bool:
    """Return whether `word` has Latin letters, or digits and no letter that is plainly of another script."""
    others = [char for char in word if _OTHER_LETTER.match(char) and char not in _TWINS]
    return not others and (_LATIN.search(word) is not None or any(char.isdigit() for char in word))


def _unseen(title: str) -> Iterator[str]:
    """Yield a phrase for each invisible character and each unusual space of `title`."""
    reads_leftwards = any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in title)
    for at, char in enumerate(title):
        if char.isascii():
            continue
        category = unicodedata.category(char)
        if category == "Zs":
            yield f"{named(char)} in place of a space"
        elif category == "Cf" and not _has_a_use(char, title, at, reads_leftwards=reads_leftwards):
            yield f"{named(char)}, which nobody sees"


def _has_a_use(char: str, title: str, at: int, *, reads_leftwards: bool) -> bool:
    """Return whether a script or an emoji in `title` needs the invisible `char`."""
    if char in _DIRECTIONS:
        return reads_leftwards
    if char in _JOINERS:
        return not any(beside.isascii() for beside in title[max(at - 1, 0) : at + 2])
    return False


def named(char: str, *, otherwise: str = "without a name") -> str:
    """Return the code and the name of `char`; control characters, which have none, are called `otherwise`."""
    return f"U+{ord(char):04X} ({unicodedata.name(char, otherwise).lower()})"
