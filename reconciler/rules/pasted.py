"""Rules about characters that come along with copied text: commas, typographic quotes, unseen characters."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.lookalikes import INVISIBLE, deceptions, named
from reconciler.model.rules import Context, Exam, Finding, Path, Rule
from reconciler.model.words import first_few
from reconciler.rules.access import is_usable_url
from reconciler.rules.proctors import kinds_of

_MODULE: Final = ("examDeliverySystemModule",)
_API_EXAM_ID: Final = ("configuration", "apiExamId")
_KINDS: Final = ("configuration", "proctorTypes")
_ENDINGS: Final = {",": "a comma", ";": "a semicolon"}
_QUOTES: Final = frozenset("\u201c\u201e\u201d\u2018\u201a\u2019\u00ab\u00bb")
_LAST: Final = _QUOTES.union(_ENDINGS)
_SHOWN: Final = 3


def _names(exam: Exam) -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each value that programs compare: IDs, modules, proctor types."""
    module, api_exam_id = exam.payload.get("examDeliverySystemModule"), exam.configuration.get("apiExamId")
    if isinstance(module, str):
        yield _MODULE, module
    if isinstance(api_exam_id, str):
        yield _API_EXAM_ID, api_exam_id
    for index, kind in enumerate(kinds_of(exam)):
        yield (*_KINDS, index), kind


def _punctuation(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        texts = [(("title",), exam.title), (("url",), str(exam.payload.get("url", ""))), *_names(exam)]
        for path, text in texts:
            if text[-1:] not in _LAST:
                continue
            what = _around(text)
            # An unusable URL of an Online exam is reported as such.
            if what and (path != ("url",) or exam.payload.get("type") != "Online" or is_usable_url(text)):
                yield Finding(
                    exam=exam,
                    path=path,
                    message=f"{_name(path)} {' and '.join(what)}",
                    hint="Remove that: YAML takes it for a part of the text, and it would be sent.",
                )


def _around(text: str) -> list[str]:
    """Return in words which superfluous characters `text` has at its ends."""
    ending = _ENDINGS.get(text[-1:])
    what = [] if ending is None else [f"ends with {ending}"]
    if text[:1] in _QUOTES and text.rstrip(",;")[-1:] in _QUOTES:
        what.append("has typographic quotes around it")
    return what


def _hidden(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        for path, text in _names(exam):
            if text.isascii() and text.isprintable() and text[:1] != " " != text[-1:]:
                continue
            found = list(dict.fromkeys(_unseen(text)))
            if found:
                what = first_few(found, between=", ", last=" ", most=_SHOWN)
                yield Finding(
                    exam=exam,
                    path=path,
                    message=f"{_name(path)} holds {what}",
                    hint="Type it again; copied text brings in such characters, and nothing is found by it.",
                )


def _unseen(text: str) -> Iterator[str]:
    """Yield a phrase for each character of `text` that nobody sees or that looks like another."""
    if text[:1] == " " or text[-1:] == " ":
        yield "a space at its beginning or its end"
    yield from deceptions(text)
    for char in text:
        if INVISIBLE.match(char) or unicodedata.category(char) in {"Cc", "Zl", "Zp"}:
            yield f"{named(char)}, which nobody sees"


def _name(path: Path) -> str:
    return f"{next(step for step in reversed(path) if isinstance(step, str))}"


RULES: Final = (
    Rule(
        code="pasted-punctuation",
        summary="a comma behind, or typographic quotes around, a title, a URL or another name",
        check=_punctuation,
    ),
    Rule(
        code="hidden-characters",
        summary="characters that nobody sees in an ID, a delivery module or a proctor type",
        check=_hidden,
    ),
)
