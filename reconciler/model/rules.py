"""Rules: checks for mistakes that the documented schema accepts.

Built-in rules and rules of plug-ins have this one shape.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, TypeAlias

from msgspec import Struct, field

from reconciler.model.cohorts import Cohorts
from reconciler.model.diagnostics import Severity
from reconciler.model.distinctions import Distinctions
from reconciler.model.identities import Address, CourseSid, InstallSid, exam_address_of
from reconciler.model.instants import read_instant
from reconciler.model.payloads import Json, Payload, configuration_of

Path: TypeAlias = tuple[str | int, ...]
"""Keys that lead to a value of an exam, outermost first; items of a list count from 0."""

RETIRED: Final[Mapping[str, str]] = {"same-title": "same-exam", "looks-renamed": "same-exam"}
"""Codes of former rules, still accepted without effect, each with the code that replaced it."""

_MOST_QUOTED: Final = 40


def short(value: object) -> str:
    """Return `value` as text for a message, cut after 40 characters."""
    text = f"{value}"
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"


class Basis(enum.Enum):
    """What the findings of a rule depend on."""

    EXAM = "each exam by itself"
    WORKSPACE = "several exams together"
    CLOCK = "the present moment"


class Exam(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """A declared exam as a rule sees it. Two of them are never equal, whatever they hold.

    `payload` is what would be sent: defaults merged, date-times as `YYYY-MM-DDTHH:MM:SS.mmmZ`, secrets as
    references without their value. `course` is the alias that the author used; None for a SID. `timezone` is
    the IANA name in which local times are read; None for UTC. `term` is that of its file, and `section` its
    key among the sections of one exam; None for an exam without.
    """

    address: Address
    install_sid: InstallSid
    course_sid: CourseSid
    payload: Payload
    course: str | None = None
    timezone: str | None = None
    term: str | None = None
    section: str | None = None

    @property
    def exam_address(self) -> Address:
        """The address; of a section, that of the exam whose section it is."""
        return exam_address_of(self.address, self.section)

    @cached_property
    def configuration(self) -> Mapping[str, Json]:
        """The `configuration` of the payload, or an empty mapping."""
        return configuration_of(self.payload)

    @property
    def title(self) -> str:
        """The title of the payload."""
        return str(self.payload.get("title", ""))

    def date(self, name: str) -> str | None:
        """Return the date-time `name` of the configuration as sent; such texts sort in order of time."""
        found = self.configuration.get(name)
        return found if isinstance(found, str) else None

    def instant(self, name: str) -> datetime | None:
        """Return the date-time `name` of the configuration, aware and in UTC; None if the exam has none."""
        return read_instant(self.configuration.get(name))


class Finding(Struct, frozen=True, kw_only=True):
    """A problem that a rule found: what it is (`message`), and what to do next (`hint`).

    It is shown at `path` in `exam`; the empty path is the exam's address. A missing value is shown at the
    mapping that would hold it. `others` are paths of further values that the rule compared: the finding is
    shown at the first value of all that is written in the exam itself and not in its defaults; the empty path
    among them is the address. Date-times among them are quoted behind the hint, as they are written. With
    `copied_from`, nothing is shown unless both exams write the value at `path` themselves.
    Of findings of one `cause` in one file, the first is shown with the number of the others.
    `exams` are the other exams that it is about; outputs name them with it.
    """

    exam: Exam
    message: str
    hint: str
    path: Path = ()
    others: tuple[Path, ...] = ()
    copied_from: Exam | None = None
    cause: str = ""
    exams: tuple[Exam, ...] = ()


class Context(Struct, frozen=True, kw_only=True):
    """What rules know besides the exams.

    `now` is the present moment, aware; None if none was given, and then rules of the basis `CLOCK` do not
    run. `imported` are the addresses that `imports` adopts: exams that are known to exist. `distinctions`
    are the pairs of exams that `distinct` declares to be two. `names` are the aliases of courses and users by
    SID. `cohorts` are those of the workspace.
    """

    now: datetime | None = None
    imported: frozenset[Address] = frozenset()
    distinctions: Distinctions = field(default_factory=Distinctions)
    names: Mapping[str, str] = field(default_factory=dict)
    cohorts: Cohorts = field(default_factory=Cohorts)


Check: TypeAlias = Callable[[Sequence[Exam], Context], Iterable[Finding]]
"""Yields the findings of a rule for all exams of a workspace, which are sorted by address."""


class Rule(Struct, frozen=True, kw_only=True):
    """A check with a stable name: `code` is in kebab case, `vendor/code` for a plug-in's rule.

    `severity` is that of its findings unless the workspace sets another. `summary` completes the
    sentence "it finds …". `page` is what `reconciler explain` prints, in Markdown; without one, the summary.
    """

    code: str
    summary: str
    check: Check
    severity: Severity = Severity.WARNING
    basis: Basis = Basis.EXAM
    page: str = ""
