"""Rules about the characters of a title: invisible ones, and those that look like others."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.lookalikes import deceptions
from reconciler.model.rules import Context, Exam, Finding, Rule
from reconciler.model.words import first_few

_TITLE: Final = ("title",)
_SHOWN: Final = 3


def _spaces(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        title = exam.title
        if title and " ".join(title.split()) == title:  # no space at the ends, none beside another, no tab
            continue
        where = _where(title)
        if where is not None:
            yield Finding(
                exam=exam,
                path=_TITLE,
                message=f"the title {where}",
                hint="Remove it: people compare titles with those in the learning platform by eye.",
            )


def _where(title: str) -> str | None:
    """Return in words where `title` has superfluous white space; None if it has none."""
    if not title.strip():
        return "is empty"
    if title[0].isspace():
        return "begins with a space"
    if title[-1].isspace():
        return "ends with a space"
    if "  " in title or "\t" in title or "\n" in title:
        return "has more than one space, a tab or a line end between two words"
    return None


def _lookalikes(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        title = exam.title
        if title.isascii():
            continue
        found = list(dict.fromkeys(deceptions(title)))
        if found:
            what = first_few(found, between=", ", last=" ", most=_SHOWN)
            yield Finding(
                exam=exam,
                path=_TITLE,
                message=f"the title holds {what}",
                hint="Type the title again; copied text brings in such characters, and searches miss them.",
            )
        elif not unicodedata.is_normalized("NFC", title):
            yield Finding(
                exam=exam,
                path=_TITLE,
                message="the title has letters whose accents are separate characters (it is not in NFC)",
                hint="Type the accented letters again; such text looks the same, but searches miss it.",
            )


RULES: Final = (
    Rule(code="title-spaces", summary="spaces in a title that nobody sees", check=_spaces),
    Rule(
        code="title-lookalikes",
        summary="characters in a title that look like others, or like nothing",
        check=_lookalikes,
    ),
)
