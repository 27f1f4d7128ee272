"""In-doubt reports: all that a person needs to find out what became of an exam in doubt, and to say so.

An in-doubt report is a value, so that text, JSON and every other form tell the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.identities import Address, AttemptId, CourseSid, ExamSid, InstallSid, as_yaml
from reconciler.model.instants import instant_in_words
from reconciler.model.plan import Change
from reconciler.model.state import Intent, State, UnclearAnswer
from reconciler.outputs.escapes import printable
from reconciler.outputs.invocation import PLACEHOLDER, Invocation
from reconciler.outputs.values import Window, title_of, window_at, windows_of

_NAMED_SIDS: Final = 3
_NO_ANSWER: Final = UnclearAnswer(status=None, reason="")


class InDoubtReport(Struct, frozen=True, kw_only=True):
    """What is known of one create in doubt, and what to do about it.

    `address` is where the exam stands in the plan, `doubted_at` where state holds the doubt: they differ
    where the exam has moved since. Title, windows and course are those that were sent; `course` is the alias,
    None where it is not known. `by` is empty where it is not known. `status` is None where no status line
    came, and `answer` is None where the run ended without any answer. `request_id` is the service's name for
    the request; None where it gave none. `sids` are the exam SIDs that stood in the answer: one of them may
    be this exam's. `commands` (with `options` in them) and `manifest` are what settles it: the first if the
    exam exists, the second if it does not.
    """

    address: Address
    doubted_at: Address
    title: str
    course: str | None
    course_sid: CourseSid
    install_sid: InstallSid
    windows: tuple[tuple[str, Window], ...]
    attempt: AttemptId
    started_at: datetime
    sent: Window
    by: str
    status: int | None
    answer: str | None
    request_id: str | None
    sids: tuple[ExamSid, ...]
    look: tuple[str, ...]
    support_message: str
    options: tuple[str, ...]
    commands: tuple[str, str]
    manifest: tuple[str, str]

    @property
    def course_words(self) -> str:
        """The course by both of its names, as far as they are known."""
        return self.course_sid if self.course is None else f"{self.course} ({self.course_sid})"

    @property
    def answer_words(self) -> str:
        """What came back, in words."""
        if self.answer is None:
            return "none: the run ended before one came"
        if self.status is None or str(self.status) in self.answer:
            return self.answer
        return f"HTTP {self.status}: {self.answer}"


def in_doubt_report_of(change: Change, invocation: Invocation) -> InDoubtReport | None:
    """The in-doubt report of an in-doubt line of a plan; None for every other line."""
    if change.intent is None:
        return None
    return _make_in_doubt_report(
        change.intent,
        address=change.address,
        doubted_at=change.moved_from or change.address,
        course=_alias(change, change.intent),
        timezone=change.timezone,
        invocation=invocation,
    )


def in_doubt_reports_of_state(
    state: State, invocation: Invocation, *, lines: Sequence[Change] = ()
) -> dict[Address, InDoubtReport]:
    """The in-doubt reports of all that is in doubt in `state`, by address, sorted.

    `lines` are those of a plan; they know the alias of a course, and the zone to tell local time in.
    """
    known = {line.address: line for line in lines}
    return {
        address: _make_in_doubt_report(
            intent,
            address=address,
            doubted_at=address,
            course=_alias(known[address], intent) if address in known else None,
            timezone=known[address].timezone if address in known else None,
            invocation=invocation,
        )
        for address, intent in sorted(state.intents.items())
    }


def _alias(line: Change, intent: Intent) -> str | None:
    """The alias of the course that was sent, if `line` is still about that course."""
    return line.course if line.course_sid == intent.course_sid else None


def _make_in_doubt_report(  # noqa: PLR0913 - each is one thing that an intent does not know
    intent: Intent,
    *,
    address: Address,
    doubted_at: Address,
    course: str | None,
    timezone: str | None,
    invocation: Invocation,
) -> InDoubtReport:
    """The in-doubt report of `intent`, which state holds at `doubted_at`."""
    answer = intent.answer or _NO_ANSWER
    windows = tuple(windows_of(intent.payload, timezone))
    sent = window_at(intent.started_at.replace(microsecond=0), timezone)
    attempt = as_yaml(intent.attempt)
    return InDoubtReport(
        address=address,
        doubted_at=doubted_at,
        title=title_of(intent.payload),
        course=course,
        course_sid=intent.course_sid,
        install_sid=intent.install_sid,
        windows=windows,
        attempt=intent.attempt,
        started_at=intent.started_at,
        sent=sent,
        by=intent.by,
        status=answer.status,
        answer=None if intent.answer is None else answer.reason,
        request_id=answer.request_id,
        sids=answer.sids,
        look=_how_to_look(intent, dict(windows), sent),
        support_message=_support_message(intent),
        options=invocation.options,
        commands=invocation.settling_commands(doubted_at),
        manifest=(
            f"imports: [{{exam: {as_yaml(address)}, sid: {PLACEHOLDER}}}]",
            f"absent: [{{exam: {as_yaml(doubted_at)}, attempt: {attempt}}}]",
        ),
    )


def _how_to_look(intent: Intent, windows: Mapping[str, Window], sent: Window) -> tuple[str, ...]:
    status = intent.payload.get("status")
    marks = ["with this title and exam window" if "exam" in windows else "with this title"]
    marks += [f"status {status}"] if isinstance(status, str) and status != "active" else []
    seen = ", ".join((*marks, f"created at about {sent.local}"))
    return (
        *_how_to_look_up((intent.answer or _NO_ANSWER).sids),
        f"In SmarterProctoring's web console, open the course, and look among its exams for one {seen}.",
        "If it is there, its SID is EX and 32 characters: the `sid` of the exam in the API.",
        "If it is not, look once more some minutes later: a slow request may be carried out after all.",
    )


def _how_to_look_up(sids: tuple[ExamSid, ...]) -> Iterator[str]:
    if sids:
        left = len(sids) - _NAMED_SIDS
        named = f"{', '.join(sids[:_NAMED_SIDS])}{f' and {left} more' if left > 0 else ''}"
        yield f"The answer named {named}: see first whether this exam is among them."


def _support_message(intent: Intent) -> str:
    """A message that the vendor can answer without asking back. What the service said is not repeated."""
    window = dict(windows_of(intent.payload, None)).get("exam")
    answer = intent.answer or _NO_ANSWER
    facts = {
        "Install SID": intent.install_sid,
        "Course SID": intent.course_sid,
        "Title": printable(title_of(intent.payload)),
        "Exam window": "not given" if window is None else window.local,
        "Sent at": instant_in_words(intent.started_at),
        "Answer": "none arrived" if answer.status is None else f"HTTP {answer.status}",
        "Request id": printable(answer.request_id or ""),
        "SIDs in it": ", ".join(answer.sids),
        "Our attempt": intent.attempt,
    }
    return "\n".join(
        (
            "Subject: Was this exam created?",
            "",
            "We sent you a Create Exam request, and do not know its outcome.",
            "",
            *(f"{f'{name}:':14}{fact}" for name, fact in facts.items() if fact),
            "",
            "Does this exam exist? If so, what is its SID (EX and 32 characters)?",
            "If not, please confirm that it was not created and will not be.",
        )
    )
