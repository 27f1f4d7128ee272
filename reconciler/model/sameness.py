"""What people take for one exam: the same title or quiz in one course, or the same id in one install.

Texts are compared as people see them: case, the width of spaces, and characters that show nothing make no
difference.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple, Protocol, TypeVar

from reconciler.model.distinctions import Distinctions
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.payloads import Payload

TITLE: Final = "course and title"
URL: Final = "course and URL"
API_EXAM_ID: Final = "install and apiExamId"

_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Fillers and selectors of forms, which Unicode counts as letters or marks."""
_BLANK: Final = str.maketrans({"\u2800": " "})
_URL: Final = re.compile(r"(?:https?://)?([^/?#]*?)(?::(?:80|443))?([/?#].*)?", re.IGNORECASE | re.DOTALL)
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_PLACEHOLDERS: Final = frozenset({"", "na", "none", "null", "notapplicable", "tba", "tbd"})
"""What stands, without its punctuation, where there is no value; exams do not share it on purpose."""


class Mark(NamedTuple):
    """A value that tells exams apart: what is compared, in which course or install, and as people see it."""

    kind: str
    scope: str
    value: str


class Placed(Protocol):
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


class Addressed(Placed, Protocol):
    """An exam that is declared."""

    @property
    def address(self) -> Address:
        """Its address."""


_Exam = TypeVar("_Exam", bound=Addressed)


def folded(text: str) -> str:
    """Return `text` as people compare it: NFKC, no case, one space between words, nothing invisible."""
    if not text.isascii() or not text.isprintable():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_BLANK))
        text = "".join(
            char for char in text if char.isspace() or unicodedata.category(char) not in {"Cf", "Cc"}
        )
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).casefold())
    return " ".join(text.casefold().split())


def title_mark(exam: Placed) -> Mark | None:
    """The title of `exam`; None for a payload without one."""
    title = exam.payload.get("title")
    return Mark(TITLE, exam.course_sid, folded(title)) if isinstance(title, str) else None


def marks_of(exam: Placed) -> frozenset[Mark]:
    """Everything by which people would take `exam` for another."""
    configuration = exam.payload.get("configuration")
    api_exam_id = configuration.get("apiExamId") if isinstance(configuration, dict) else None
    url = exam.payload.get("url")
    found = (
        title_mark(exam),
        Mark(URL, exam.course_sid, _folded_url(url)) if _says_something(url) else None,
        Mark(API_EXAM_ID, exam.install_sid, str(api_exam_id).strip())
        if _says_something(api_exam_id)
        else None,
    )
    return frozenset(mark for mark in found if mark is not None)


def sharing_a_title(
    exams: Iterable[_Exam], *, imported: Collection[Address], distinctions: Distinctions
) -> Iterator[tuple[_Exam, _Exam]]:
    """Pair each exam with the first other, by address, of the same course and title that it is not told from.

    An exam in `imported` is known to exist on purpose, and resembles none.
    """
    groups: dict[Mark, list[_Exam]] = {}
    for exam in exams:
        mark = title_mark(exam)
        if mark is not None and exam.address not in imported:
            groups.setdefault(mark, []).append(exam)
    for group in groups.values():
        if len(group) > 1:
            by_address = {exam.address: exam for exam in sorted(group, key=lambda exam: exam.address)}
            for one, other in distinctions.not_told_apart(tuple(by_address)):
                yield by_address[one], by_address[other]


def _says_something(value: object) -> bool:
    """Whether `value` is a text, and more than a way of writing that there is none."""
    return isinstance(value, str) and _NOT_A_LETTER.sub("", folded(value)) not in _PLACEHOLDERS


def _folded_url(url: object) -> str:
    """A URL without what browsers and people do not mind: scheme, case of the host, port, a last slash."""
    seen = unicodedata.normalize("NFKC", _INVISIBLE.sub("", f"{url}"))
    text = "".join(
        char for char in seen if unicodedata.category(char) not in {"Cf", "Cc"} and not char.isspace()
    )
    found = _URL.fullmatch(text)
    return text if found is None else f"{found[1].casefold()}{(found[2] or '').rstrip('/?#')}"
