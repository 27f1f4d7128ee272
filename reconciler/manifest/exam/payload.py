"""Makes the payload of a resolved exam: resolves aliases, and normalises values to the form that is sent."""

from typing import Any, Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.assignees import ASSIGNEES
from reconciler.manifest.exam.dates import DATE_FIELDS, normalized
from reconciler.manifest.exam.environments import ENVIRONMENTS
from reconciler.manifest.exam.merge import CONTACT_FIELDS, COURSE_FIELDS, PROFILES
from reconciler.manifest.exam.passwords import secret_of
from reconciler.manifest.header import FileContext
from reconciler.manifest.redaction import PASSWORD
from reconciler.manifest.yaml.nodes import BROKEN, Value, YamlMapping, YamlSequence
from reconciler.model.identities import CourseSid, is_course_sid, is_user_sid
from reconciler.model.payloads import Json
from reconciler.model.secrets import SecretUse
from reconciler.model.words import suggestion

_ALIAS, _USER = CONTACT_FIELDS
_NOT_SENT: Final = (*COURSE_FIELDS, _ALIAS, PROFILES, ENVIRONMENTS, ASSIGNEES, "timezone")
"""Fields of an exam that are not sent, or under another name."""
_CONFIGURATION: Final = "configuration"
_SECRET_PATH: Final = (_CONFIGURATION, PASSWORD)
_PLAIN: Final[frozenset[Any]] = frozenset({str, int, bool, type(None)})
_EXACT_FLOAT: Final = 2**53
_MIN_SID_LIKE_LENGTH: Final = 17
"""A text with the prefix of a SID and more than this length is probably a mistyped SID."""


def course_of(
    exam: YamlMapping, context: FileContext, diagnostics: FileDiagnostics
) -> tuple[CourseSid, str | None] | None:
    """Return the SID of the course, and its alias if given by alias; report a mistake and return None."""
    given = [field for field in COURSE_FIELDS if field in exam]
    if len(given) > 1:
        diagnostics.add(
            "two-courses",
            exam.key_at("courseSid"),
            "the course is named twice, by `course` and by `courseSid`",
            "Keep one of the two.",
        )
        return None
    if not given or not isinstance(value := exam[given[0]], str):
        return None
    if given[0] == "courseSid":
        return (CourseSid(value), None) if is_course_sid(value) else None
    if value in context.courses:
        return context.courses[value], value
    if context.is_reported("courses", value):
        return None
    where = "it to `courses` of this file or of the environment, or write `courseSid: CU…`."
    hint = f"Add {where}"
    # The course of another term is another course, however alike the names are.
    term = next((f"{name}-" for name in context.environment.terms if value.startswith(f"{name}-")), "")
    known = [alias for alias in context.courses if alias.startswith(term)]
    if near := suggestion(value, known, ""):
        hint = f"{near} If not, add {where}"
    if is_course_sid(value):
        hint = "It is a SID: write `courseSid:` instead of `course:`."
    diagnostics.add(
        "unknown-alias",
        exam.value_at("course"),
        f"no course is called {diagnostics.echo(value)}",
        hint,
        cause=f"course {value}" if context.courses else "courses",
    )
    return None


def report_user(exam: YamlMapping, context: FileContext, diagnostics: FileDiagnostics) -> bool:
    """Report an unknown or repeated contact; return whether it is right."""
    if _ALIAS in exam and _USER in exam:
        message = f"the contact is named twice, by `{_ALIAS}` and by `{_USER}`"
        diagnostics.add("two-contacts", exam.key_at(_USER), message, "Keep one of the two.")
        return False
    field = _ALIAS if _ALIAS in exam else _USER
    value = exam.get(field)
    if not isinstance(value, str) or value in context.users or (field == _USER and is_user_sid(value)):
        return True
    code, message = "unknown-alias", f"no user is called {diagnostics.echo(value)}"
    hint = f"Add it to `users` of this file or of the environment, or write `{_USER}: US…`."
    if field == _USER:
        looks_like_sid = value.startswith("US") and len(value) > _MIN_SID_LIKE_LENGTH
        code = "wrong-pattern" if looks_like_sid or not context.users else "unknown-alias"
        message = f"{diagnostics.echo(value)} is not a user"
        hint = (
            f"Write `US` and 32 hexadecimal digits in lower case, or `{_ALIAS}:` with an alias from `users`."
        )
    elif is_user_sid(value):
        hint = f"It is a SID: write `{_USER}:` instead of `{_ALIAS}:`."
    if context.is_reported("users", value):
        return False
    said = suggestion(value, context.users, hint)
    diagnostics.add(code, exam.value_at(field), message, said, cause=f"user {value}")
    return False


def body_of(exam: YamlMapping, context: FileContext) -> tuple[dict[str, Json], tuple[SecretUse, ...]]:
    """Return the payload of an exam without mistakes, and the secrets in it."""
    body = _plain_dict(exam)
    configuration = body.pop(_CONFIGURATION, None)
    for key in _NOT_SENT:
        body.pop(key, None)
    if _ALIAS in exam:
        body[_USER] = context.users.get(str(exam[_ALIAS]))
    elif _USER in body:
        body[_USER] = _user_sid(str(body[_USER]), context)
    secrets: tuple[SecretUse, ...] = ()
    if isinstance(configuration, dict):
        body[_CONFIGURATION] = configuration
        secrets = _normalise_configuration(configuration, exam[_CONFIGURATION], context)
    return body, secrets


def _normalise_configuration(
    sent: dict[str, Any], written: Value, context: FileContext
) -> tuple[SecretUse, ...]:
    """Normalise date-times and the password in `sent`, a plain copy of `written`; return its secrets."""
    for field in DATE_FIELDS:
        if field in sent:
            sent[field] = normalized(str(sent[field]), context.zone)
    proctors = sent.get("instructorAsProctor")
    for proctor in proctors if isinstance(proctors, list) else ():
        if "startTime" in proctor:
            proctor["startTime"] = normalized(proctor["startTime"], context.zone)
    if PASSWORD not in sent or not isinstance(written, YamlMapping):
        return ()
    secret = secret_of(written[PASSWORD])
    if isinstance(secret, str):
        return ()
    sent[PASSWORD] = secret.reference
    return (SecretUse(_SECRET_PATH, secret),)


def _user_sid(value: str, context: FileContext) -> str | None:
    """Return `value` if it is a SID, or the SID of the alias; None if unknown."""
    return value if is_user_sid(value) else context.users.get(value)


def _plain_dict(written: YamlMapping) -> dict[str, Json]:
    """Return `written` as a plain dict."""
    body: dict[str, Any] = dict(written)
    # Most values are plain already: only the others are converted, which is faster.
    for key in [key for key, value in written.items() if value.__class__ not in _PLAIN]:
        body[key] = _plain(written[key])
    return body


def _plain(value: Value) -> Json:
    """Return `value` as plain JSON; a float without a fraction becomes an integer."""
    if isinstance(value, YamlMapping):
        return _plain_dict(value)
    if isinstance(value, YamlSequence):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOAT:
        return int(value)
    return None if value is BROKEN else value
