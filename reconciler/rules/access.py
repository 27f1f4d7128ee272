"""Rules about how students get to an exam: URL, password and status."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from reconciler.model.rules import Context, Exam, Finding, Path, Rule
from reconciler.rules.url_advice import url_advice

_PASSWORD: Final[Path] = ("configuration", "password")
_TYPE: Final[Path] = ("type",)
_ORDINARY_URL: Final = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?:[/?#][!-~]*)?")
"""Fits nearly all URLs; checking the others takes ten times as long."""


def _no_password(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        if exam.payload.get("type") == "Online" and "password" not in exam.configuration:
            yield Finding(
                exam=exam,
                cause="no password",
                message="an Online exam needs a password, and this one has none",
                hint="Add `password: {fromEnv: EXAM_SECRET_…}` to its configuration.",
            )


def _written_password(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        if exam.payload.get("type") == "Written" and "password" in exam.configuration:
            yield Finding(
                exam=exam,
                path=_PASSWORD,
                others=(_TYPE,),
                cause="written password",
                message="a Written exam has a password, which nobody can enter on paper",
                hint="Remove the password, or make the exam's type Online.",
            )


def _unusable_url(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        payload = exam.payload
        if payload.get("type") == "Online" and not is_usable_url(str(payload.get("url", ""))):
            yield Finding(
                exam=exam,
                path=("url",),
                others=(_TYPE,),
                message="an Online exam needs the address of its quiz, and students cannot follow this one",
                hint=f"{url_advice(str(payload.get('url', '')), is_usable_url)} N/A is for exams on paper.",
            )


def is_usable_url(url: str) -> bool:
    """Return whether `url` is an absolute URL that a browser opens."""
    if _ORDINARY_URL.fullmatch(url):
        return True
    if any(char.isspace() or not char.isprintable() for char in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, or a port that is no number
        return False


def _status_deleted(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        if exam.payload.get("status") == "deleted":
            yield Finding(
                exam=exam,
                path=("status",),
                message="an exam is declared as deleted, so it would be created hidden",
                hint="Remove the exam from the manifest, or write `draft` if students are to see it later.",
            )


RULES: Final = (
    Rule(code="no-password", summary="an `Online` exam without a password", check=_no_password),
    Rule(code="written-password", summary="a `Written` exam with a password", check=_written_password),
    Rule(
        code="unusable-url",
        summary="an `Online` exam whose URL students cannot follow",
        check=_unusable_url,
    ),
    Rule(code="status-deleted", summary="an exam that is declared as deleted", check=_status_deleted),
)
