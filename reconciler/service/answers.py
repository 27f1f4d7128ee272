"""What a response means: `classify`, a pure function from a response to a verdict.

No status, header or body makes it raise. All texts that it returns are printable, bounded and free of
secrets. Texts of a server are shown to people, but nothing relies on them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.identities import ConfigurationSid, ExamSid, is_configuration_sid, is_exam_sid
from reconciler.model.outside_text import tamed
from reconciler.model.verdicts import Created, Forbidden, Refused, Throttled, Unauthorized, Unknown
from reconciler.retry_after import http_date
from reconciler.service.bodies import is_opaque, unpacked
from reconciler.service.decodings import text_of, undone
from reconciler.service.error_messages import code_in, decode, message_in
from reconciler.service.redaction import WITHHELD, Redactor, describe
from reconciler.service.request_match import Sent, contradictions, other_title

_REQUEST_ID_HEADERS: Final = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-correlation-id",
    "x-trace-id",
    "cf-ray",
    "x-amz-cf-id",
    "traceparent",
)
_REQUEST_ID_CHARACTERS: Final = 128
_REQUEST_ID_READINGS: Final = 16
# After these (RFC 9110, RFC 8470, nginx) a server may have stored the exam.
_UNDECIDED: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, 499})

_MOST_SIDS: Final = 20
_NAMED_SIDS: Final = 3
_SID_LENGTH: Final = 34
_BREAK: Final = r"(?:=?\r?\n[ \t]*|<[^<>]*>|[\u00ad\u200b-\u200f\u2060\ufeff])*"
"""What may interrupt a SID: a line break, a tag, invisible characters."""
_SID: Final = re.compile(rf"E{_BREAK}X((?:{_BREAK}[a-f0-9]){{32}})(?![a-f0-9])", re.IGNORECASE)
_BREAKS: Final = re.compile(_BREAK)


AnswerMeaning: TypeAlias = Created | Throttled | Refused | Unauthorized | Forbidden | Unknown
"""What a response can mean."""


class ReceivedAnswer(Struct, frozen=True, kw_only=True):
    """A response as it arrived.

    `headers` are in order, with names in lower case; the reason phrase is among them, under an empty name.
    `body` is the first MiB. `end` holds the last bytes of a longer body and everything around the body.
    `fault` says why the body is unusable; if it is empty, `body` is complete and decompressed.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    end: bytes = b""
    fault: str = ""

    def header(self, name: str) -> str | None:
        """Return the value of the first header `name`; None if it is missing."""
        return next((value for known, value in self.headers if known == name), None)


def classify(answer: ReceivedAnswer, *, sent: Sent, redactor: Redactor) -> AnswerMeaning:
    """Return what `answer` to the request `sent` means, without any secret of `redactor`."""
    return replace(_meaning(answer, sent, redactor), request_id=_request_id(answer, redactor))


def unanswered(error: Exception, heard: bytes, *, sent: Sent, redactor: Redactor) -> Unknown:
    """Return the verdict after `error`, if only the bytes `heard` of a response head arrived."""
    sids, seen = _seen_sids(
        ReceivedAnswer(status=0, body=heard, end=str(error).encode("utf-8", "replace")), sent, redactor
    )
    return Unknown(status=None, reason=f"no answer: {describe(error, redactor)}{seen}", sids=sids)


def _request_id(answer: ReceivedAnswer, redactor: Redactor) -> str | None:
    """Return the server's name of the request, from the first of the usual headers that is present."""
    found = next(filter(None, map(answer.header, _REQUEST_ID_HEADERS)), None)
    if found is None or redactor.finds_in(found, most=_REQUEST_ID_READINGS):
        return None
    return tamed(found, most=_REQUEST_ID_CHARACTERS) or None


def _meaning(answer: ReceivedAnswer, sent: Sent, redactor: Redactor) -> AnswerMeaning:
    status = answer.status
    document = None if answer.fault else decode(answer.body)
    reason = ""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES and isinstance(document, dict):
        made = _success(status, document, sent, redactor)
        if isinstance(made, Created):
            return made
        reason = f"HTTP {status}, but {made}"
    sids, seen = _seen_sids(answer, sent, redactor)
    reason = f"{reason or _reason(answer, document, redactor)}{seen}"
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if sids or not is_refusal or status in _UNDECIDED or is_opaque(answer.body):
        return Unknown(status=status, reason=reason, sids=sids)
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            retry_after, date = answer.header("retry-after"), answer.header("date")
            return Throttled(reason=reason, retry_after=retry_after, answered_at=http_date(date))
        case HTTPStatus.UNAUTHORIZED:
            return Unauthorized(status=status, reason=reason)
        case HTTPStatus.FORBIDDEN:
            return Forbidden(status=status, reason=reason)
        case _:
            return Refused(status=status, reason=reason)


def _success(status: int, document: Mapping[str, object], sent: Sent, redactor: Redactor) -> Created | str:
    """Return the exam that a 2xx response names; otherwise, the reason why it names no certain exam."""
    sid, configuration = document.get("sid"), document.get("configuration")
    if not isinstance(sid, str) or not is_exam_sid(sid):
        return "without a usable sid"
    if _is_echo(sid, sent, redactor):
        return "with a sid that was in the request"
    if wrong := contradictions(document, sent):
        return f"with another {' and '.join(wrong)} than was sent"
    is_told = isinstance(configuration, str) and is_configuration_sid(configuration)
    return Created(
        sid=ExamSid(sid),
        status=status,
        configuration_sid=ConfigurationSid(str(configuration))
        if is_told and not _is_echo(str(configuration), sent, redactor)
        else None,
        cut_title=other_title(document, sent),
    )


def _is_echo(sid: str, sent: Sent, redactor: Redactor) -> bool:
    """Whether `sid` is in the request, or repeats part of a secret: then it names no new exam."""
    return sid.lower().encode("ascii") in sent.body.lower() or redactor.finds_piece_in(sid)


def _seen_sids(answer: ReceivedAnswer, sent: Sent, redactor: Redactor) -> tuple[tuple[ExamSid, ...], str]:
    """Return the exam SIDs in body and headers that were not in the request, and a note about them."""
    own = set(_sids_in([sent.body]))
    headers = "\n".join(value for _, value in answer.headers).encode("utf-8", "replace")
    found: dict[ExamSid, None] = {}
    for sid in _sids_in((*unpacked(answer.body), *unpacked(answer.end), headers)):
        if sid not in own and not redactor.finds_piece_in(sid):
            found[sid] = None
        if len(found) > _MOST_SIDS:
            break
    sids = tuple(found)[:_MOST_SIDS]
    return sids, _in_words(sids, are_all=len(found) <= _MOST_SIDS)


def _reason(answer: ReceivedAnswer, document: object, redactor: Redactor) -> str:
    head = f"HTTP {answer.status}"
    if answer.fault:
        fault = redactor.shown(answer.fault, otherwise=f"its body cannot be read, and why {WITHHELD}")
        return f"{head}, but {fault}"
    code = code_in(document)
    if code and not redactor.finds_in(code):
        head = f"{head} {code}"
    message = message_in(answer.body, document, answer.header("content-type") or "")
    said = redactor.shown(message, otherwise=f"the server's message {WITHHELD}")
    said = f"{head}: {said}" if said else head
    is_success = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    return f"the response holds no exam: {said}" if is_success else said


def _sids_in(parts: Iterable[bytes]) -> Iterator[ExamSid]:
    """Yield the exam SIDs in `parts`, normalised. There, they may be encoded and in any case."""
    for part in parts:
        for text in undone(text_of(part), least=_SID_LENGTH):
            for digits in _SID.findall(text):
                yield ExamSid(f"EX{_BREAKS.sub('', digits).lower()}")


def _in_words(sids: tuple[ExamSid, ...], *, are_all: bool) -> str:
    """Return a note about `sids` for a message; `are_all` is False if more were seen. Empty without SIDs."""
    if not sids:
        return ""
    named = ", ".join(sids[:_NAMED_SIDS])
    if len(sids) == 1:
        return f" (the response names {named}: check whether it is this exam)"
    left = len(sids) - _NAMED_SIDS
    more = "" if left <= 0 else f" and {left} more" if are_all else f" and more than {left} more"
    return f" (the response names {named}{more}: check whether one of them is this exam)"
