"""Echoes: whether what a success says of its exam is what was sent.

An answer that names another course, install or title is another exam's: two were crossed on the way.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.api.spellings import unescape_html
from reconciler.model.identities import CourseSid, InstallSid, is_course_sid

_ELLIPSIS: Final = "..."  # of which NFKC makes the single character
_LONG: Final = 32
_NESTED_ENTITIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request: where it went, and its exact JSON body."""

    install_sid: InstallSid
    course_sid: CourseSid
    body: bytes


def contradictions(document: Mapping[str, object], sent: Sent) -> list[str]:
    """Return the members of the answer `document` that say something else than was sent.

    Null and empty ones say nothing. One that is no text cannot be what was sent.
    """
    wrong = []
    for name, sid in (("applicationInstallSid", sent.install_sid), ("courseSid", sent.course_sid)):
        echo = document.get(name)
        if not _says_nothing(echo) and not (isinstance(echo, str) and _alike(echo, sid)):
            wrong.append(name)
    course = document.get("course")
    if isinstance(course, str) and is_course_sid(course) and course != sent.course_sid:
        wrong.append("course")
    echo = document.get("title")
    if not _says_nothing(echo) and not (isinstance(echo, str) and _is_title(echo, sent.body)):
        wrong.append("title")
    return wrong


def _says_nothing(echo: object) -> bool:
    return echo is None or (isinstance(echo, str) and not echo.strip())


def _alike(one: str, other: str) -> bool:
    return one.strip().casefold() == other.casefold()


def _is_title(echo: str, body: bytes) -> bool:
    title = json.loads(body).get("title")
    return isinstance(title, str) and _is_same_or_cut(_comparable(echo), _comparable(title))


def _comparable(title: str) -> str:
    """Return `title` without what may change on the way: entities, Unicode forms, case, white space."""
    for _ in range(_NESTED_ENTITIES):
        title = unescape_html(title)
    return " ".join(unicodedata.normalize("NFKC", title).casefold().split())


def _is_same_or_cut(echo: str, title: str) -> bool:
    """Whether `echo` is `title`, or its beginning and certainly no other exam's title.

    That holds where it ends in an ellipsis, inside a word, or after 32 characters, and never inside a number:
    "Quiz 1" is no cut "Quiz 10", nor is "Midterm" a cut "Midterm 2".
    """
    if echo == title:
        return True
    stem = echo.removesuffix(_ELLIPSIS).rstrip()
    if not stem or not title.startswith(stem):
        return False
    last, following = stem[-1], title[len(stem) : len(stem) + 1]
    if last.isdigit() and following.isdigit():
        return False
    return stem != echo or len(stem) >= _LONG or (last.isalnum() and following.isalnum())
