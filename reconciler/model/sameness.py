"""What people take for one exam: the same title or quiz in one course, or the same id in one install.

Texts are compared as people see them: case, the width of spaces, and characters that show nothing make no
difference.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, TypeVar

from reconciler.model.distinctions import Distinctions
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.payloads import Payload, configuration_of

TITLE: Final = "course and title"
URL: Final = "course and URL"
API_EXAM_ID: Final = "install and apiExamId"

_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff]"
)
"""What shows nothing (Default_Ignorable_Code_Point) and is no control or format character to Unicode.

These are fillers, selectors of forms, and places that are kept free for more of them.
"""
_BLANK: Final = str.maketrans({"\u2800": " "})
_URL: Final = re.compile(
    r"(?:(?:https?:)?//)?([^/?#]*?)\.?(?::0*(?:80|443)?)?(/[^?#]*)?([?#].*)?", re.IGNORECASE | re.DOTALL
)
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
"""What stands, without its punctuation, where there is no value; exams do not share it on purpose."""


class Trait(NamedTuple):
    """A value that tells exams apart: what is compared, in which course or install, and as people see it."""

    kind: str
    scope: str
    value: str


class ExamLike(Protocol):
    """An exam as it is declared, as state holds it, or as a rule sees it."""

    @property
    def install_sid(self) -> InstallSid:
        """The install that it is in."""

    @property
    def course_sid(self) -> CourseSid:
        """The course that it is in."""

    @property
    def payload(self) -> Payload:
        """What was sent, or is to be."""


class Addressed(ExamLike, Protocol):
    """An exam that is declared."""

    @property
    def address(self) -> Address:
        """Its address."""


_Exam = TypeVar("_Exam", bound=Addressed)


def folded(text: str) -> str:
    """Return `text` as people compare it: NFKC, no case, one space between words, nothing invisible."""
    if not text.isascii() or not text.isprintable():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _seen(text)).casefold())
    return " ".join(text.casefold().split())


def title_trait(exam: ExamLike) -> Trait | None:
    """The title of `exam`; None for a payload without one."""
    title = exam.payload.get("title")
    return Trait(TITLE, exam.course_sid, folded(title)) if isinstance(title, str) else None


def traits_of(exam: ExamLike) -> frozenset[Trait]:
    """Everything by which people would take `exam` for another."""
    api_exam_id = configuration_of(exam.payload).get("apiExamId")
    url = exam.payload.get("url")
    quiz = _folded_url(url) if isinstance(url, str) else None
    found = (
        title_trait(exam),
        Trait(URL, exam.course_sid, f"{quiz}") if _says_something(quiz) else None,
        Trait(API_EXAM_ID, exam.install_sid, _seen(str(api_exam_id)).strip())
        if _says_something(api_exam_id)
        else None,
    )
    return frozenset(trait for trait in found if trait is not None)


def sharing_a_title(
    exams: Iterable[_Exam], *, imported: Collection[Address], distinctions: Distinctions
) -> Iterator[tuple[_Exam, _Exam]]:
    """Pair each exam with the first other, by address, of the same course and title that it is not told from.

    An exam in `imported` is known to exist on purpose, and resembles none.
    """
    groups: dict[Trait, list[_Exam]] = {}
    for exam in exams:
        trait = title_trait(exam)
        if trait is not None and exam.address not in imported:
            groups.setdefault(trait, []).append(exam)
    for group in groups.values():
        if len(group) > 1:
            by_address = {exam.address: exam for exam in sorted(group, key=lambda exam: exam.address)}
            for one, other in distinctions.not_told_apart(tuple(by_address)):
                yield by_address[one], by_address[other]


def _says_something(value: object) -> bool:
    """Whether `value` is a text, and more than a way of writing that there is none."""
    return isinstance(value, str) and _NOT_A_LETTER.sub("", folded(value)) not in _PLACEHOLDERS


def _seen(text: str) -> str:
    """Return `text` in NFKC without what shows nothing; line breaks and tabs are kept as spaces are."""
    if text.isascii() and text.isprintable():
        return text
    shown = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_BLANK))
    kept = (char for char in shown if char.isspace() or unicodedata.category(char) not in {"Cf", "Cc"})
    return _INVISIBLE.sub("", "".join(kept))


def _folded_url(url: str) -> str:
    """A URL without what browsers and people do not mind.

    That is scheme, case and last dot of the host, port, a last slash, and how the rest is encoded (RFC 3986,
    section 6.2.2, which also takes `.` and `..` out of a path).
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
    """The characters that the percent `codes` of a URL stand for."""
    return bytes.fromhex(codes[0].replace("%", "")).decode("utf-8", "surrogateescape")


def _spelt_host(host: str) -> str:
    """`host` in lower case and its own letters, whichever of its two forms was written."""
    spelt = host.casefold()
    if "xn--" in spelt and len(spelt) <= _MOST_OF_A_HOST:
        with suppress(UnicodeError):
            spelt = spelt.encode("ascii").decode("idna").casefold()
    return spelt
