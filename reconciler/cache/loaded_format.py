"""What manifests gave ↔ tuples, lists, dicts and plain values, which `marshal` takes."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final, Self, TypeAlias, assert_never

from reconciler.model.declarations import (
    Absence,
    Declaration,
    Declared,
    Distinction,
    Import,
    Loaded,
    Move,
    Removal,
)
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.positions import Position, Span
from reconciler.model.secrets import EnvSecret, FileSecret, InlineSecret, Secret, SecretUse
from reconciler.values import dataclass

Plain: TypeAlias = tuple[Any, ...]

_ENVIRONMENT: Final = "env"
_FILE: Final = "file"


class HoldsSecret(Exception):
    """There is the value of a secret in what was to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What manifests gave, and as of which moments (both exclusive, None without bound) they would again.

    `stands_on` tells of each file that a manifest extends how it is to be read, where that leads and the
    digest of what was found there.
    """

    loaded: Loaded
    since: datetime | None
    until: datetime | None
    stands_on: tuple[tuple[str, str, bytes], ...]

    def holds_at(self, now: datetime) -> bool:
        """Whether it is still so at `now`."""
        return (self.since is None or self.since < now) and (self.until is None or now < self.until)

    def packed(self) -> Plain:
        """It as plain values. Raises HoldsSecret."""
        declared = self.loaded.declared
        return (
            [_packed_exam(exam) for exam in declared.exams],
            [(each.address, each.sid, *_packed_position(each.declared_at)) for each in declared.imports],
            [(each.source, each.address, *_packed_position(each.declared_at)) for each in declared.moves],
            [(each.address, *_packed_position(each.declared_at)) for each in declared.removals],
            [(each.address, each.attempt, *_packed_position(each.declared_at)) for each in declared.absences],
            [
                (each.address, each.other, each.reason, *_packed_position(each.declared_at))
                for each in declared.distinctions
            ],
            [_packed_finding(found) for found in self.loaded.diagnostics],
            sorted(self.loaded.timely),
            *(None if moment is None else moment.isoformat() for moment in (self.since, self.until)),
            self.stands_on,
        )

    @classmethod
    def unpacked(cls, packed: Plain) -> Self:
        """What was packed."""
        exams, imports, moves, removals, absences, distinctions, *rest = packed
        findings, timely, since, until, stands_on = rest
        declared = Declared(
            exams=tuple(_exams(exams)),
            imports=tuple(
                Import(address=address, sid=sid, declared_at=Position(*at)) for address, sid, *at in imports
            ),
            moves=tuple(
                Move(source=source, address=address, declared_at=Position(*at))
                for source, address, *at in moves
            ),
            removals=tuple(Removal(address=address, declared_at=Position(*at)) for address, *at in removals),
            absences=tuple(
                Absence(address=address, attempt=attempt, declared_at=Position(*at))
                for address, attempt, *at in absences
            ),
            distinctions=tuple(
                Distinction(address=address, other=other, reason=reason, declared_at=Position(*at))
                for address, other, reason, *at in distinctions
            ),
        )
        return cls(
            loaded=Loaded(
                declared=declared,
                diagnostics=tuple(_finding(found) for found in findings),
                timely=frozenset(timely),
            ),
            since=None if since is None else datetime.fromisoformat(since),
            until=None if until is None else datetime.fromisoformat(until),
            stands_on=stands_on,
        )


def _packed_exam(exam: Declaration) -> Plain:
    return (
        exam.address,
        exam.install_sid,
        exam.course_sid,
        exam.payload,
        exam.digest,
        [(use.path, *_packed_secret(use.secret)) for use in exam.secrets],
        *_packed_position(exam.declared_at),
        exam.course,
        exam.timezone,
    )


def _exams(packed: Iterable[Plain]) -> Iterator[Declaration]:
    for address, install, course_sid, payload, digest, uses, file, line, column, course, zone in packed:
        yield Declaration(
            address=address,
            install_sid=install,
            course_sid=course_sid,
            payload=payload,
            digest=digest,
            secrets=_uses(tuple(uses)) if uses else (),
            declared_at=Position(file, line, column),
            course=course,
            timezone=zone,
        )


@cache
def _uses(packed: tuple[tuple[tuple[str, ...], str, str], ...]) -> tuple[SecretUse, ...]:
    """The secrets of an exam; a workspace has few, which many exams share."""
    return tuple(SecretUse(path, _secret(kind, where)) for path, kind, where in packed)


def _packed_secret(secret: Secret) -> tuple[str, str]:
    match secret:
        case EnvSecret(name):
            return _ENVIRONMENT, name
        case FileSecret(path):
            return _FILE, path
        case InlineSecret():
            raise HoldsSecret
        case _:
            assert_never(secret)


def _secret(kind: str, where: str) -> Secret:
    return EnvSecret(where) if kind == _ENVIRONMENT else FileSecret(where)


def _packed_position(position: Position) -> tuple[str, int, int]:
    return position.file, position.line, position.column


def _packed_finding(found: Diagnostic) -> Plain:
    span = found.span
    return (
        found.severity.value,
        found.code,
        found.message,
        found.hint,
        None if span is None else (*_packed_position(span.start), span.end_line, span.end_column),
        found.address,
        found.excerpt,
        sorted(found.others),
    )


def _finding(packed: Plain) -> Diagnostic:
    severity, code, message, hint, span, address, excerpt, others = packed
    return Diagnostic(
        severity=Severity(severity),
        code=code,
        message=message,
        hint=hint,
        span=None if span is None else Span(Position(*span[:3]), span[3], span[4]),
        address=address,
        excerpt=excerpt,
        others=frozenset(others),
    )
