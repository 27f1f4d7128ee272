"""Traits that two exams of one course or install should not share: title, URL, `apiExamId`.

Texts are compared as people see them: case, the width of spaces and invisible characters are ignored.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias, TypeVar

from reconciler.model.declarations import Declaration
from reconciler.model.distinctions import Distinctions
from reconciler.model.identities import Address, CourseSid
from reconciler.model.lookalikes import INVISIBLE
from reconciler.model.payloads import Payload, configuration_of
from reconciler.model.rules import Exam
from reconciler.model.state import Entry, Intent

TITLE: Final = "course and title"
URL: Final = "course and URL"
API_EXAM_ID: Final = "install and apiExamId"
SECTIONS: Final = "course and list of sections"

_BLANK: Final = str.maketrans({"\u2800": " "})
_URL: Final = re.compile(
    r"(?:(?:https?:)?//)?([^/?#]*?)\.?(?::0*(?:80|443)?)?(/[^?#]*)?([?#].*)?", re.IGNORECASE | re.DOTALL
)
_PLAIN_URL: Final = re.compile(
    r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)((?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+)"
)
"""Fits nearly all URLs of quizzes, which need no more than to lose the scheme."""
_PERCENT_CODES: Final = re.compile("(?:%[0-9a-f]{2})+", re.IGNORECASE)
_EMPTY_SEGMENT: Final = re.compile(r"/\.?(?=/|$)")
_STEP_BACK: Final = re.compile(r"/[^/]+/\.\.(?=/|$)")
_MOST_STEPS: Final = 16
_MOST_OF_A_HOST: Final = 253
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_PLACEHOLDERS: Final = frozenset(
    {
        *("", "na", "nil", "none", "null", "undefined", "unknown", "notapplicable", "notavailable"),
        *("tba", "tbc", "tbd", "tobeannounced", "tobeconfirmed", "tobedetermined"),
    }
)
"""Words, without punctuation, that people write in place of a value; two exams may both have them."""


class Trait(NamedTuple):
    """A value to recognise an exam by: its kind, the SID of its course or install, and its folded text."""

    kind: str
    scope: str
    value: str


ExamLike: TypeAlias = Declaration | Exam | Entry | Intent
"""An exam as declared, as a rule sees it, or as state holds it."""

_Exam = TypeVar("_Exam", Declaration, Exam)


def folded(text: str) -> str:
    """Return `text` as people compare it: NFKC, no case, one space between words, nothing invisible."""
    if not text.isascii() or not text.isprintable():
        text = unicodedata.normalize("NFKC", INVISIBLE.sub("", _seen(text)).casefold())
    return " ".join(text.casefold().split())


def title_trait(exam: ExamLike) -> Trait | None:
    """Return the title of `exam`; None for a payload without one."""
    title = exam.payload.get("title")
    return Trait(TITLE, exam.course_sid, folded(title)) if isinstance(title, str) else None


def traits_of(exam: ExamLike) -> frozenset[Trait]:
    """Return all traits of `exam`."""
    quiz, api_exam_id = quiz_of(exam.payload), api_exam_id_of(exam.payload)
    found = (
        title_trait(exam),
        None if quiz is None else Trait(URL, exam.course_sid, quiz),
        None if api_exam_id is None else Trait(API_EXAM_ID, exam.install_sid, api_exam_id),
    )
    return frozenset(trait for trait in found if trait is not None)


def quiz_of(payload: Payload) -> str | None:
    """Return the URL of `payload`, normalised; None for a placeholder such as `N/A`."""
    url = payload.get("url")
    if not isinstance(url, str):
        return None
    if (plain := _PLAIN_URL.fullmatch(url)) is not None and "xn--" not in url:
        return f"{plain[1]}{plain[2]}"
    quiz = _folded_url(url)
    return quiz if _says_something(quiz) else None


def api_exam_id_of(payload: Payload) -> str | None:
    """Return the `apiExamId` of `payload`, without what shows nothing; None for a placeholder."""
    found = configuration_of(payload).get("apiExamId")
    return _seen(found).strip() if isinstance(found, str) and _says_something(found) else None


def section_trait(course: CourseSid, exam: str) -> Trait:
    """Return the trait that the sections of one exam and one course share; `exam` is their common address."""
    return Trait(SECTIONS, course, exam)


def sharing_a_title(
    exams: Iterable[_Exam], *, imported: Collection[Address], distinctions: Distinctions
) -> Iterator[tuple[_Exam, _Exam]]:
    """Pair each exam with the first other, by address, of the same course and title that is not distinct.

    Exams of two terms are no pair. Exams in `imported` are known to exist and are left out.
    """
    groups: dict[tuple[CourseSid, str, str | None], list[_Exam]] = {}
    for exam in exams:
        title = exam.payload.get("title")
        if isinstance(title, str) and exam.address not in imported:
            groups.setdefault((exam.course_sid, folded(title), exam.term), []).append(exam)
    for group in groups.values():
        if len(group) > 1:
            by_address = {exam.address: exam for exam in sorted(group, key=lambda exam: exam.address)}
            for one, other in distinctions.not_told_apart(tuple(by_address)):
                yield by_address[one], by_address[other]


def _says_something(value: str) -> bool:
    """Return whether `value` is not a placeholder such as `n/a` or `TBD`."""
    # No placeholder has a digit, and most IDs end in one.
    return value[-1:].isdecimal() or _NOT_A_LETTER.sub("", folded(value)) not in _PLACEHOLDERS


def _seen(text: str) -> str:
    """Return `text` in NFKC without what shows nothing; line breaks and tabs are kept as spaces are."""
    if text.isascii() and text.isprintable():
        return text
    shown = unicodedata.normalize("NFKC", INVISIBLE.sub("", text).translate(_BLANK))
    kept = (char for char in shown if char.isspace() or unicodedata.category(char) not in {"Cf", "Cc"})
    return INVISIBLE.sub("", "".join(kept))


def _folded_url(url: str) -> str:
    """Return `url` normalised, so that URLs of one page are equal.

    Scheme, default port, case and last dot of the host, and a last slash are dropped; percent codes and the
    segments `.` and `..` are resolved (RFC 3986, section 6.2.2).
    """
    text = _PERCENT_CODES.sub(_decoded, "".join(_seen(url).split()))
    found = _URL.fullmatch("".join(_seen(text).split()))
    if found is None:
        return text
    path = _EMPTY_SEGMENT.sub("", found[2] or "")
    for _ in range(_MOST_STEPS if "/.." in path else 0):
        path = _STEP_BACK.sub("", path, count=1)
    return f"{_spelt_host(found[1])}{path}{found[3] or ''}".rstrip("/?#")


def _decoded(codes: re.Match[str]) -> str:
    """Return the characters that the percent `codes` of a URL stand for."""
    return bytes.fromhex(codes[0].replace("%", "")).decode("utf-8", "surrogateescape")


def _spelt_host(host: str) -> str:
    """Return `host` in lower case, with Punycode decoded."""
    spelt = host.casefold()
    if "xn--" in spelt and len(spelt) <= _MOST_OF_A_HOST:
        with suppress(UnicodeError):
            spelt = spelt.encode("ascii").decode("idna").casefold()
    return spelt
