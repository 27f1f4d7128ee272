"""An effective exam → the declaration of it, with its payload in the one spelling that is sent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.manifest import digests
from reconciler.manifest.datetimes import BadDateTime, Zone, normalized, zone_of
from reconciler.manifest.defaults import CONTACT_FIELDS, COURSE_FIELDS, PROFILES
from reconciler.manifest.findings import Findings
from reconciler.manifest.passwords import FIELD, secret_of
from reconciler.manifest.yaml_nodes import BROKEN, Sequence, Value
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.model import payloads
from reconciler.model.identities import Address, CourseSid, Digest, is_course_sid
from reconciler.model.payloads import Json
from reconciler.model.secrets import SecretUse
from reconciler.model.words import suggestion

DATE_FIELDS: Final = ("examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate")

_ALIAS, _USER = CONTACT_FIELDS
_TIMEZONE: Final = "timezone"
NOT_SENT: Final = (*COURSE_FIELDS, _ALIAS, PROFILES, _TIMEZONE)
"""What an exam may say that its payload has not, or under another name."""
_CONFIGURATION: Final = "configuration"
_SECRET_PATH: Final = (_CONFIGURATION, FIELD)
_PLAIN: Final[frozenset[Any]] = frozenset({str, int, bool, type(None)})
_EXACT_FLOAT: Final = 2**53
_USER_PREFIX: Final = "US"
_SID_LENGTH: Final = 34


class Context(Struct, frozen=True):
    """What a file, those that it extends and the environment say of all exams; the environment has won.

    `zone_is_wrong` where a zone is named that there is not, which is among the findings.
    """

    zone: Zone | None
    courses: Mapping[str, CourseSid]
    users: Mapping[str, str]
    zone_is_wrong: bool = False


def context_of(exam: Marked, context: Context) -> Context:
    """`context` for `exam`, whose own zone wins over any other."""
    name = exam.get(_TIMEZONE)
    if _TIMEZONE not in exam:
        return context
    zone = zone_of(name) if isinstance(name, str) else None
    return replace(context, zone=zone, zone_is_wrong=zone is None)


def date_places(exam: Marked) -> Iterator[tuple[Marked, str]]:
    """Each date-time of `exam`: the mapping that holds it, and its key there."""
    configuration = exam.get(_CONFIGURATION)
    if not isinstance(configuration, Marked):
        return
    for field in DATE_FIELDS:
        if isinstance(configuration.get(field), str):
            yield configuration, field
    proctors = configuration.get("instructorAsProctor")
    for proctor in proctors if isinstance(proctors, Sequence) else ():
        if isinstance(proctor, Marked) and isinstance(proctor.get("startTime"), str):
            yield proctor, "startTime"


def report_date_times(exam: Marked, context: Context, address: Address | None, findings: Findings) -> bool:
    """Note every date-time of `exam` that cannot be read; whether all can."""
    is_right = True
    for holder, field in date_places(exam):
        try:
            normalized(str(holder[field]), context.zone)
        except BadDateTime as error:
            is_right = False
            if error.code == "no-timezone" and context.zone_is_wrong:
                continue
            message = f"{field}: {error.message}"
            findings.add(error.code, holder.value_at(field), message, error.hint, address=address)
    return is_right


def course_of(
    exam: Marked, context: Context, address: Address | None, findings: Findings
) -> tuple[CourseSid, str | None] | None:
    """The course's SID, and its alias where it was named by one; None where a finding says why not."""
    given = [field for field in COURSE_FIELDS if field in exam]
    if len(given) > 1:
        findings.add(
            "two-courses",
            exam.key_at("courseSid"),
            "the course is named twice, by `course` and by `courseSid`",
            "Keep one of the two.",
            address=address,
        )
        return None
    if not given or exam[given[0]] is BROKEN:
        return None
    value = exam[given[0]]
    if not isinstance(value, str):
        return None
    if given[0] == "courseSid":
        return (CourseSid(value), None) if is_course_sid(value) else None
    if value in context.courses:
        return context.courses[value], value
    hint = "Add it to `courses` of this file or of the environment, or write `courseSid: CU…`."
    findings.add(
        "unknown-alias",
        exam.value_at("course"),
        f"no course is called {findings.echo(value)}",
        suggestion(value, context.courses, hint),
        address=address,
    )
    return None


def report_user(exam: Marked, context: Context, address: Address | None, findings: Findings) -> bool:
    """Note a contact that is no SID or alias, or is named twice; whether there is nothing to note."""
    if _ALIAS in exam and _USER in exam:
        findings.add(
            "two-contacts",
            exam.key_at(_USER),
            f"the contact is named twice, by `{_ALIAS}` and by `{_USER}`",
            "Keep one of the two.",
            address=address,
        )
        return False
    if _ALIAS in exam:
        return _report_alias(exam, context, address, findings)
    value = exam.get(_USER)
    if not isinstance(value, str) or _user_sid(value, context) is not None:
        return True
    looks_like_sid = value.startswith(_USER_PREFIX) and len(value) > _SID_LENGTH // 2
    code = "wrong-pattern" if looks_like_sid or not context.users else "unknown-alias"
    hint = f"Write `US` and 32 hexadecimal digits in lower case, or `{_ALIAS}:` with an alias from `users`."
    findings.add(
        code,
        exam.value_at(_USER),
        f"{findings.echo(value)} is no user",
        suggestion(value, context.users, hint),
        address=address,
    )
    return False


def _report_alias(exam: Marked, context: Context, address: Address | None, findings: Findings) -> bool:
    """Note a contact's alias that no `users` has; whether there is nothing to note."""
    value = exam.get(_ALIAS)
    if not isinstance(value, str) or value in context.users:
        return True
    hint = f"Add it to `users` of this file or of the environment, or write `{_USER}: US…`."
    if is_user_sid(value):
        hint = f"It is a SID: write `{_USER}:` instead of `{_ALIAS}:`."
    findings.add(
        "unknown-alias",
        exam.value_at(_ALIAS),
        f"no user is called {findings.echo(value)}",
        suggestion(value, context.users, hint),
        address=address,
    )
    return False


class Body(Struct, frozen=True):
    """What is to be sent, and the secrets in it; `has_fraction` says whether a number in it has one."""

    payload: dict[str, Json]
    secrets: tuple[SecretUse, ...]
    has_fraction: bool

    @property
    def digest(self) -> Digest:
        """The digest of the payload."""
        return payloads.digest_of(self.payload) if self.has_fraction else digests.digest_of(self.payload)


def body_of(exam: Marked, context: Context) -> Body:
    """The body to be sent, for an exam without findings."""
    fractions: list[float] = []
    body = _without_marks(exam, fractions)
    configuration = body.pop(_CONFIGURATION, None)
    for key in NOT_SENT:
        body.pop(key, None)
    if _ALIAS in exam:
        body[_USER] = context.users.get(str(exam[_ALIAS]))
    elif _USER in body:
        body[_USER] = _user_sid(str(body[_USER]), context)
    secrets: tuple[SecretUse, ...] = ()
    if isinstance(configuration, dict):
        body[_CONFIGURATION] = configuration
        secrets = _send_configuration(configuration, exam[_CONFIGURATION], context)
    return Body(body, secrets, has_fraction=bool(fractions))


def _send_configuration(sent: dict[str, Any], written: Value, context: Context) -> tuple[SecretUse, ...]:
    """Spell in `sent`, which is `written` without marks, what is sent otherwise than it is written."""
    for field in DATE_FIELDS:
        if field in sent:
            sent[field] = normalized(str(sent[field]), context.zone)
    proctors = sent.get("instructorAsProctor")
    for proctor in proctors if isinstance(proctors, list) else ():
        if "startTime" in proctor:
            proctor["startTime"] = normalized(proctor["startTime"], context.zone)
    if FIELD not in sent or not isinstance(written, Marked):
        return ()
    secret = secret_of(written[FIELD])
    if isinstance(secret, str):
        return ()
    sent[FIELD] = secret.reference
    return (SecretUse(_SECRET_PATH, secret),)


def secrets_of(payload: Mapping[str, Any]) -> tuple[SecretUse, ...]:
    """The secrets of which a payload holds references, other than such as are written out."""
    secret = secret_of(payload[_CONFIGURATION][FIELD])
    return () if isinstance(secret, str) else (SecretUse(_SECRET_PATH, secret),)


def is_user_sid(text: str) -> bool:
    """Whether `text` has the documented shape of a user's SID."""
    digits = text.removeprefix(_USER_PREFIX)
    return (
        len(text) == _SID_LENGTH and len(digits) == _SID_LENGTH - 2 and set(digits) <= set("0123456789abcdef")
    )


def _user_sid(value: str, context: Context) -> str | None:
    """The SID that `value` is or stands for; None where it is neither."""
    return value if is_user_sid(value) else context.users.get(value)


def _without_marks(written: Marked, fractions: list[float]) -> dict[str, Json]:
    """`written` without marks; numbers that have a fraction are added to `fractions`."""
    body: dict[str, Any] = dict(written)
    # Most values are plain, and none of these is touched one by one.
    for key in [key for key, value in written.items() if value.__class__ not in _PLAIN]:
        body[key] = _plain(written[key], fractions)
    return body


def _plain(value: Value, fractions: list[float]) -> Json:
    """`value` without marks; a float without a fraction is a whole number."""
    if isinstance(value, Marked):
        return _without_marks(value, fractions)
    if isinstance(value, Sequence):
        return [_plain(item, fractions) for item in value]
    if isinstance(value, float):
        if value.is_integer() and abs(value) <= _EXACT_FLOAT:
            return int(value)
        fractions.append(value)
    return None if value is BROKEN else value
