"""Rules: what a colleague would notice about exams that the documented schema accepts.

Rules that come with the product and rules of plug-ins have this one shape.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from msgspec import Struct, field

from reconciler.model.diagnostics import Severity
from reconciler.model.distinctions import Distinctions
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.instants import read_instant
from reconciler.model.payloads import Json, Payload, configuration_of

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value of an exam: its keys from the outermost one; items of a list count from 0."""

RETIRED: Final[Mapping[str, str]] = {"same-title": "same-exam", "looks-renamed": "same-exam"}
"""Names that are accepted still, and do nothing; each with what has taken its place."""

_MOST_QUOTED: Final = 40


def short(value: object) -> str:
    """`value` as a message may quote it: not longer than a few words."""
    text = f"{value}"
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"


class Basis(enum.Enum):
    """What the verdict of a rule depends on."""

    EXAM = "each exam by itself"
    WORKSPACE = "several exams together"
    CLOCK = "the present moment"


class Exam(Struct, frozen=True, kw_only=True, eq=False):
    """A declared exam as a rule sees it. Two of them are never equal, whatever they hold.

    `payload` is what would be sent: defaults merged, date-times as `YYYY-MM-DDTHH:MM:SS.mmmZ`, secrets as
    references without their value. `course` is the alias that the author used; None for a SID. `timezone` is
    the IANA name in which local times are read; None for UTC.
    """

    address: Address
    install_sid: InstallSid
    course_sid: CourseSid
    payload: Payload
    course: str | None = None
    timezone: str | None = None

    @property
    def configuration(self) -> Mapping[str, Json]:
        """The inner mapping of the payload; empty unless it is one."""
        return configuration_of(self.payload)

    @property
    def title(self) -> str:
        """The title of the payload."""
        return str(self.payload.get("title", ""))

    def date(self, name: str) -> str | None:
        """The date-time `name` of the configuration, as it is sent; such texts order as their instants do."""
        found = self.configuration.get(name)
        return found if isinstance(found, str) else None

    def instant(self, name: str) -> datetime | None:
        """The date-time `name` of the configuration, aware and in UTC; None where the exam has none."""
        return read_instant(self.configuration.get(name))


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a rule noticed: what (`message`), and what to do next (`hint`).

    It is shown at `path` in `exam`; an empty path is the exam's address. A value that is not there is shown
    where it would stand. `others` lead to further values that the finding compares: of all, the first that is
    written in the exam itself and not in its defaults is where it is shown.
    """

    exam: Exam
    message: str
    hint: str
    path: Path = ()
    others: tuple[Path, ...] = ()


class Context(Struct, frozen=True, kw_only=True):
    """What rules know besides the exams.

    `now` is None where no moment was given; rules on the basis of the clock are not asked then. `imported`
    are the addresses that `imports` adopts: exams that are known to exist. `distinctions` are the pairs of
    exams that `distinct` says are two.
    """

    now: datetime | None = None
    imported: frozenset[Address] = frozenset()
    distinctions: Distinctions = field(default_factory=Distinctions)


Check: TypeAlias = Callable[[Sequence[Exam], Context], Iterable[Finding]]
"""What a rule has to say about all exams of a workspace, which come in the order of their addresses."""


class Rule(Struct, frozen=True, kw_only=True):
    """A check with a name that stays: `code` is in kebab case, for a plug-in's rule as `vendor/code`.

    `severity` is what its findings weigh where the workspace does not say otherwise. `summary` completes the
    sentence "it finds …". `page` is what `reconciler explain` prints, in Markdown; without one, the summary.
    """

    code: str
    summary: str
    check: Check
    severity: Severity = Severity.WARNING
    basis: Basis = Basis.EXAM
    page: str = ""
