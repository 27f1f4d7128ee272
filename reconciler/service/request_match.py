"""Check that a successful response belongs to its request: install, course and title must agree.

A response with another course, install or title belongs to another exam: two responses were mixed up.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html.entities import codepoint2name
from typing import Final

from msgspec import Struct

from reconciler.model.identities import CourseSid, InstallSid, is_course_sid
from reconciler.model.sameness import folded
from reconciler.service.decodings import unescape_html

_ELLIPSIS: Final = "..."  # NFKC turns the single character into three dots
_LONG: Final = 32
_NESTED_ENTITIES: Final = 3
_BROKEN_END: Final = re.compile("[\ud800-\udfff\N{REPLACEMENT CHARACTER}]+$|&[#0-9a-z]*$", re.IGNORECASE)


class Sent(Struct, frozen=True, kw_only=True):
    """One request: where it went, and its exact JSON body."""

    install_sid: InstallSid
    course_sid: CourseSid
    body: bytes


def contradictions(document: Mapping[str, object], sent: Sent) -> list[str]:
    """Return the names of the members of the response `document` that differ from the request.

    Null and empty members agree with everything. A member that is not a string differs.
    """
    wrong = []
    for name, sid in (
        ("applicationInstallSid", sent.install_sid),
        ("installSid", sent.install_sid),
        ("courseSid", sent.course_sid),
    ):
        echo = document.get(name)
        if not _says_nothing(echo) and not (isinstance(echo, str) and _alike(echo, sid)):
            wrong.append(name)
    course = document.get("course")
    course = course.get("sid") if isinstance(course, dict) else course
    if isinstance(course, str) and is_course_sid(_as_sid(course)) and not _alike(course, sent.course_sid):
        wrong.append("course")
    echo = document.get("title")
    if not _says_nothing(echo) and not (isinstance(echo, str) and _is_title(echo, sent.body)):
        wrong.append("title")
    return wrong


def other_title(document: Mapping[str, object], sent: Sent) -> str | None:
    """Return the title in the response `document`, HTML entities decoded; None if it is the title sent."""
    echo = document.get("title")
    if _says_nothing(echo) or _comparable(str(echo)) == _comparable(_title_in(sent.body)):
        return None
    return _without_entities(str(echo))


def _says_nothing(echo: object) -> bool:
    return echo is None or (isinstance(echo, str) and not echo.strip())


def _alike(one: str, other: str) -> bool:
    return one.strip().casefold() == other.casefold()


def _as_sid(text: str) -> str:
    text = text.strip()
    return text[:2].upper() + text[2:].lower()


def _title_in(body: bytes) -> str:
    title = json.loads(body).get("title")
    return title if isinstance(title, str) else ""


def _is_title(echo: str, body: bytes) -> bool:
    title = _comparable(_title_in(body))
    return _is_same_or_cut(_comparable(echo), title) or _is_cut_in_a_character(echo, title)


def _comparable(title: str) -> str:
    """Return `title` for comparison: HTML entities decoded, and invisible differences removed."""
    return folded(_without_entities(title))


def _without_entities(title: str) -> str:
    for _ in range(_NESTED_ENTITIES):
        title = unescape_html(title)
    return title


def _is_same_or_cut(echo: str, title: str) -> bool:
    """Whether `echo` is `title`, or `title` cut so that it cannot be another exam's title.

    A cut title ends in an ellipsis, inside a word, or after 32 characters or more, and never inside a number:
    "Quiz 1" is not "Quiz 10" cut, and "Midterm" is not "Midterm 2" cut.
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


def _is_cut_in_a_character(echo: str, title: str) -> bool:
    """Whether `echo` is the start of `title` and part of the next character or of its HTML entity."""
    found = _BROKEN_END.search(echo)
    if found is None:
        return False
    stem = _comparable(echo[: found.start()])
    following = title[len(stem) :].lstrip()[:1]
    if not stem or not following or not title.startswith(stem):
        return False
    rest = found[0].casefold()
    return rest[0] != "&" or any(entity.startswith(rest) for entity in _entities_of(following))


def _entities_of(character: str) -> Iterator[str]:
    number = ord(character)
    yield from (f"&#{number};", f"&#0{number};", f"&#x{number:x};")
    yield f"&{codepoint2name.get(number, 'apos')};".casefold()
