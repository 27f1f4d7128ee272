"""What is special about an exam, and where it is taken, in a few words for a list of exams."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from reconciler.model.payloads import Payload, configuration_of
from reconciler.outputs.escapes import shorten, visible

_LONGEST_WORD: Final = 60


def badges_of(payload: Payload) -> list[str]:
    """Return what a reviewer must not overlook, such as `draft` or `assigned students only`."""
    return list(_badges(payload))


def _badges(payload: Payload) -> Iterator[str]:
    configuration = configuration_of(payload)
    status, attempts = payload.get("status"), configuration.get("attempts")
    if isinstance(status, str) and status != "active":
        yield _word(status)
    if payload.get("isLimitedScope") is True:
        yield "assigned students only"
    if payload.get("type") == "Online" and configuration.get("password") is None:
        yield "no password"
    if payload.get("requireApproval") is True:
        yield "needs approval"
    if configuration.get("instructorAsProctor"):
        yield "instructor proctors"
    if attempts is not None and attempts != 1:
        yield _word(f"{attempts} attempts")


def place_of(payload: Payload) -> str:
    """Return where an exam is taken: its type, the delivery system, and the host of its URL."""
    words = (payload.get("type"), payload.get("examDeliverySystemModule"), _host(payload.get("url")))
    return ", ".join(_word(word) for word in words if isinstance(word, str) and word)


def _host(url: object) -> str:
    """Return the host that `url` names; an empty text if it names none."""
    try:
        return (urlsplit(url).hostname if isinstance(url, str) else None) or ""
    except ValueError:
        return ""


def _word(text: str) -> str:
    return shorten(visible(text), _LONGEST_WORD)
