"""Exam SIDs that stand anywhere in what arrived: a person who settles a doubt looks there first."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.api.spellings import text_of, undone
from reconciler.model.identities import ExamSid

MOST: Final = 20
"""How many SIDs of one answer are kept."""

_NAMED: Final = 3
_LENGTH: Final = 34
_BREAK: Final = r"(?:=?\r?\n[ \t]*|<[^<>]*>|[\u00ad\u200b-\u200f\u2060\ufeff])*"
"""What may stand inside a SID: the end of a line, a tag, a character that nobody sees."""
_SID: Final = re.compile(rf"E{_BREAK}X((?:{_BREAK}[a-f0-9]){{32}})(?![a-f0-9])", re.IGNORECASE)
_BREAKS: Final = re.compile(_BREAK)


def sids_in(parts: Iterable[bytes]) -> Iterator[ExamSid]:
    """Yield the exam SIDs in `parts`, in whatever spelling and case they stand there, in lower case."""
    for part in parts:
        for text in undone(text_of(part), least=_LENGTH):
            for digits in _SID.findall(text):
                yield ExamSid(f"EX{_BREAKS.sub('', digits).lower()}")


def in_words(sids: tuple[ExamSid, ...], *, are_all: bool) -> str:
    """Return what to add to a message about `sids`, which `are_all` that were seen; often nothing."""
    if not sids:
        return ""
    named = ", ".join(sids[:_NAMED])
    if len(sids) == 1:
        return f" (in what arrived stands {named}: check whether it is this exam)"
    left = len(sids) - _NAMED
    more = "" if left <= 0 else f" and {left} more" if are_all else f" and more than {left} more"
    return f" (in what arrived stand {named}{more}: check whether one of them is this exam)"
