"""What an answer means: the classification table, as one pure function over what arrived."""

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from reconciler.model.identities import ExamSid, is_exam_sid
from reconciler.model.verdicts import Created, Refused, Throttled, Unauthorized, Unknown, Verdict

_MESSAGE_CHARACTERS: Final = 500
_MESSAGE_KEYS: Final = ("message", "error", "detail", "title", "description", "errors")
_MASK: Final = "***"
_NESTED_JSON: Final = 4
_MOST_DIGITS: Final = 300
_MOST_SIDS: Final = 3
_SID: Final = re.compile(r"\bEX[a-f0-9]{32}\b")
_PAGE_CHARACTERS: Final = 16 * 1024
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What arrived: `body` is None where it could not be read to its end, and `fault` then says why."""

    status: int
    content_type: str
    retry_after: str | None
    body: bytes | None
    fault: str = ""


def classify(answer: Answer, *, confidential: Sequence[str]) -> Verdict:
    """The one meaning of `answer`; no reason holds any of the `confidential` values."""
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(reason=_reason(answer, confidential), retry_after=answer.retry_after)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Unauthorized(status=status, reason=_reason(answer, confidential))
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(status=status, reason=_reason(answer, confidential))
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _classify_success(answer, confidential)
    return Unknown(status=status, reason=_reason(answer, confidential))


def _classify_success(answer: Answer, confidential: Sequence[str]) -> Verdict:
    if answer.body is None:
        return Unknown(status=answer.status, reason=_reason(answer, confidential))
    document = _decode(answer.body)
    sid = document.get("sid") if isinstance(document, dict) else None
    if isinstance(sid, str) and is_exam_sid(sid):
        return Created(sid=ExamSid(sid), status=answer.status)
    if isinstance(document, dict):
        return Unknown(
            status=answer.status,
            reason=f"HTTP {answer.status}, but without a usable sid{seen_sids(answer.body)}",
        )
    said = f"{_reason(answer, confidential)}{seen_sids(answer.body)}"
    return Unknown(status=answer.status, reason=f"no exam in the answer: {said}")


def _decode(body: bytes) -> object:
    try:
        return json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> int | str:
    """`digits` as a number, or as they are where there are more of them than the interpreter converts."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def seen_sids(body: bytes | bytearray) -> str:
    """What to add about an exam's SIDs that stand in a body which names none properly; often nothing."""
    found = sorted(set(_SID.findall(body.decode("utf-8", errors="replace"))))[:_MOST_SIDS]
    return f" (in what arrived stands {', '.join(found)}: check whether it is this exam)" if found else ""


def _reason(answer: Answer, confidential: Sequence[str]) -> str:
    if answer.body is None:
        return shorten(f"HTTP {answer.status}, but {answer.fault}", confidential)
    text = _message_in(_decode(answer.body)) or _visible_text(answer, confidential)
    said = shorten(text, confidential)
    return f"HTTP {answer.status}: {said}" if said else f"HTTP {answer.status}"


def shorten(text: str, confidential: Sequence[str]) -> str:
    """`text` with each confidential value masked, then cut to what a log can bear."""
    said = redact(text, confidential)
    return said if len(said) <= _MESSAGE_CHARACTERS else f"{said[:_MESSAGE_CHARACTERS]}…"


def _message_in(document: object) -> str:
    """The part of a JSON error that a person would read; none is documented, so the usual keys are tried."""
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        for key in _MESSAGE_KEYS:
            if document.get(key):
                return _message_in(document[key]) or json.dumps(document[key], ensure_ascii=False)
        return json.dumps(document, ensure_ascii=False)
    if isinstance(document, list):
        return "; ".join(filter(None, map(_message_in, document)))
    return ""


def _visible_text(answer: Answer, confidential: Sequence[str]) -> str:
    # Masked before it is cut: half a secret at the cut would not be recognised any more.
    text = redact((answer.body or b"").decode("utf-8", errors="replace"), confidential)[:_PAGE_CHARACTERS]
    if "html" in answer.content_type.lower() or text.lstrip()[:1] == "<":
        text = html.unescape(_TAGS.sub(" ", text))
    return " ".join(text.split())


def redact(text: str, confidential: Sequence[str]) -> str:
    """`text` with each confidential value masked, also where it was escaped for JSON, HTML, URLs, Python."""
    spellings = {spelling for value in confidential for spelling in _spellings(value) if spelling}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, _MASK)
    return text


def _spellings(value: str) -> Iterator[str]:
    yield from (html.escape(value), quote(value), quote(value, safe=""), " ".join(value.split()))
    nested = {value}
    for _ in range(_NESTED_JSON):
        for one in nested:
            yield from (one, *_in_python(one))
        nested = {
            json.dumps(one, ensure_ascii=is_ascii)[1:-1] for one in nested for is_ascii in (True, False)
        }


def _in_python(value: str) -> Iterator[str]:
    """As h11 quotes a line that it could not read; which quotes it escapes depends on those in the line."""
    escaped = repr(b'"' + value.encode("utf-8", errors="replace"))[3:-1]
    yield from (escaped, escaped.replace("\\'", "'"))
