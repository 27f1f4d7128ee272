"""The documented contract of the Create Exam call: checks of token, path, headers and body."""

import hmac
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

MAX_BODY_BYTES: Final = 1_048_576

_MAX_PROBLEMS: Final = 50
_MAX_RULE_CHARACTERS: Final = 200
_INSTALL_SID: Final = re.compile(r"AI[a-f0-9]{32}")
_COURSE_SID: Final = re.compile(r"CU[a-f0-9]{32}")
_DATES: Final = ("examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate")

Problem = Mapping[str, str]
"""`path` into the body (dotted; empty for the body itself) and `message`, which never quotes a value."""


class Refusal(Exception):
    """The documentation does not allow the request."""

    def __init__(self, status: int, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = tuple(problems)


def check_body(body: Any, validator: Validator) -> dict[str, Any]:
    """Return `body` if it fits the documentation. Raises Refusal with its problems, fifty at most.

    `validator` is of the documented schema.
    """
    errors = sorted(validator.iter_errors(body), key=lambda error: list(map(str, error.path)))
    # Dates are checked only in a body that the schema allows.
    problems = [_problem(error) for error in errors] or list(_impossible_dates(body))
    if problems:
        raise Refusal(400, "the body is not what the documentation describes", problems[:_MAX_PROBLEMS])
    fitting: dict[str, Any] = body
    return fitting


def check_token(given: str | None, expected: str | None) -> None:
    """Raise Refusal unless `given` is `expected`; any token but an empty one if `expected` is None."""
    if not given or not given.strip():
        raise Refusal(401, "the header `token` is missing or empty")
    if expected is not None and not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refusal(401, "the header `token` does not hold the token that this sandbox asks for")


def check_path(install_sid: str, course_sid: str) -> None:
    """Raise Refusal unless both have the documented pattern."""
    if not _INSTALL_SID.fullmatch(install_sid):
        raise Refusal(400, "the installSid of the path does not match ^AI[a-f0-9]{32}$")
    if not _COURSE_SID.fullmatch(course_sid):
        raise Refusal(400, "the courseSid of the path does not match ^CU[a-f0-9]{32}$")


def check_content_type(header: str | None) -> None:
    """Raise Refusal unless `header` is the content type of JSON."""
    kind = (header or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the header `content-type` must be application/json")


def parse_json(data: bytes) -> object:
    """Return the JSON in `data`. Raises Refusal unless it is strict JSON in UTF-8 without repeated keys."""
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_finite,
            parse_float=_finite,
        )
        # The parser accepts a lone surrogate, which no response, page or file can hold.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise Refusal(400, f"the body is not JSON: {error.msg} at byte {error.pos}") from error
    except UnicodeError as error:
        raise Refusal(400, "the body is not text in UTF-8") from error
    except ValueError as error:
        raise Refusal(400, "the body is not JSON: a repeated key or a number out of bounds") from error
    except RecursionError as error:
        raise Refusal(400, "the body is nested too deeply") from error
    return value


def title_of(data: bytes) -> str:
    """Return the title in the body `data`; empty for an unreadable body or one without a title."""
    try:
        body = parse_json(data)
    except Refusal:
        return ""
    title = body.get("title") if isinstance(body, dict) else None
    return title if isinstance(title, str) else ""


def _problem(error: ValidationError) -> Problem:
    return {"path": ".".join(map(str, error.absolute_path)), "message": _message(error)}


def _message(error: ValidationError) -> str:
    # jsonschema's own messages quote the value, which may be a password; these two quote names only.
    if error.validator in {"required", "additionalProperties"}:
        return error.message
    rule = json.dumps(error.validator_value)
    return f"does not satisfy {error.validator} {rule[:_MAX_RULE_CHARACTERS]}"


def _impossible_dates(body: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each date-time that does not exist, such as the 31st of June."""
    configuration = body["configuration"]
    dates = {f"configuration.{name}": configuration[name] for name in _DATES if name in configuration}
    for index, times in enumerate(configuration.get("instructorAsProctor", [])):
        if "startTime" in times:
            dates[f"configuration.instructorAsProctor.{index}.startTime"] = times["startTime"]
    for path, text in dates.items():
        try:
            datetime.fromisoformat(text)
        except ValueError:
            yield {"path": path, "message": "is not a date and time that exists"}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is repeated")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of bounds")
    return number
