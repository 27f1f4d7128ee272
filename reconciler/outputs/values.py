"""Values of payloads in words: titles, facts and both sides of a difference, never a secret."""

import json
from collections.abc import Mapping
from typing import Final

from reconciler.model.payloads import Json, Payload
from reconciler.model.plan import Absent, Change, FieldDiff
from reconciler.outputs.escapes import ELLIPSIS, shorten
from reconciler.outputs.windows import Window, moment_text, window_of

PASSWORD_PATH: Final = "configuration.password"  # noqa: S105 - where a password stands, not one

_LONGEST_TITLE: Final = 200
_LONGEST_SIDE: Final = 300
_SHARED_SHOWN: Final = 30


def payload_of(change: Change) -> Payload:
    """The body to describe the exam by: as declared, else as created, else as it was about to be."""
    if change.after is not None:
        return change.after
    if change.before is not None:
        return change.before
    return {} if change.intent is None else change.intent.payload


def title_of(payload: Payload) -> str:
    """The title, of bounded length; empty where there is none."""
    title = payload.get("title")
    return shorten(title, _LONGEST_TITLE) if isinstance(title, str) else ""


def configuration_of(payload: Payload) -> Payload:
    """The `configuration` object; empty where there is none."""
    configuration = payload.get("configuration")
    return configuration if isinstance(configuration, Mapping) else {}


def windows_of(payload: Payload, timezone: str | None) -> list[tuple[str, Window]]:
    """The windows that `payload` has, each with its label: when students sit, and when they book."""
    configuration = configuration_of(payload)
    found = (
        ("exam", exam_window_of(payload, timezone)),
        (
            "schedule",
            window_of(
                configuration.get("scheduleOpenDate"), configuration.get("scheduleCloseDate"), timezone
            ),
        ),
    )
    return [(label, window) for label, window in found if window is not None]


def exam_window_of(payload: Payload, timezone: str | None) -> Window | None:
    """When students sit; None where nothing says."""
    configuration = configuration_of(payload)
    return window_of(configuration.get("examOpenDate"), configuration.get("examCloseDate"), timezone)


def facts_of(payload: Payload) -> str:
    """Type, duration, attempts, status and where the password comes from, as far as they are set."""
    configuration = configuration_of(payload)
    facts = [_plain(payload.get("type"))]
    facts += [
        f"{name} {_plain(configuration[name])}"
        for name in ("duration", "attempts")
        if configuration.get(name) is not None
    ]
    facts.append(_plain(payload.get("status")))
    if configuration.get("password") is not None:
        facts.append(f"password {secret_words(configuration['password'])}")
    return ", ".join(fact for fact in facts if fact)


def secret_words(reference: Json) -> str:
    """Where a secret comes from; a reference of no known form is not shown at all."""
    match reference:
        case {"fromEnv": str(name)}:
            return f"from {name}"
        case {"fromFile": str(path)}:
            return f"from file {path}"
        case {"inline": True}:
            return "written in the manifest (hidden)"
        case _:
            return "(hidden)"


def sides_of(difference: FieldDiff, timezone: str | None) -> tuple[str, str]:
    """Both sides of `difference` in words, long ones cut so that the first differing character shows."""
    if difference.is_of_value:
        reference = _side(difference.before, difference.path, timezone)
        return f"{reference}, the value that was sent", "another value (both hidden)"
    before, after = (_side(side, difference.path, timezone) for side in (difference.before, difference.after))
    shared = _shared_length(before, after)
    skipped = 0 if max(len(before), len(after)) <= _LONGEST_SIDE else max(shared - _SHARED_SHOWN, 0)
    lead = ELLIPSIS if skipped else ""
    return (
        shorten(lead + before[skipped:], _LONGEST_SIDE),
        shorten(lead + after[skipped:], _LONGEST_SIDE),
    )


def _shared_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _side(value: "Json | Absent", path: str, timezone: str | None) -> str:
    if isinstance(value, Absent):
        return "(not set)"
    if path == PASSWORD_PATH and value is not None:
        return secret_words(value)
    if path == "configuration" and isinstance(value, Mapping) and "password" in value:
        return _json({**value, "password": secret_words(value["password"])})
    return moment_text(value, timezone) or _json(value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Json) -> str:
    return "" if value is None else value if isinstance(value, str) else _json(value)
