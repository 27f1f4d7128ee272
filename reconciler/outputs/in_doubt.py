"""In-doubt reports: what is known of a create in doubt, and how a person finds out what became of it.

Text, JSON and all other formats show the same report.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from reconciler.model.identities import Address, ExamSid, as_yaml
from reconciler.model.instants import instant_in_words
from reconciler.model.plan import Change
from reconciler.model.report import Report
from reconciler.model.state import Intent, State, UnclearAnswer
from reconciler.model.terms import manifest_for
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import Window, title_of, window_at, windows_of
from reconciler.outputs.invocation import PLACEHOLDER, Invocation

LOOK_FURTHER: Final = (
    "If it is there, its SID is EX and 32 characters: the `sid` of the exam in the API.",
    "If it is not, look once more some minutes later: a slow request may be carried out after all.",
)
"""What to do once a person has looked for an exam, in sentences."""

_NAMED_SIDS: Final = 3
NO_SIDS: Final[Mapping[Address, ExamSid]] = {}
_NO_ANSWER: Final = UnclearAnswer(status=None, reason="")


class InDoubtReport(Struct, frozen=True, kw_only=True):
    """What is known of one create in doubt, and how to settle it.

    `address` is that of the exam in the plan, `doubted_at` that of the intent in state: they differ if the
    exam was moved since. `course` is the alias of the course that was sent; None if unknown. `timezone` is
    for local times; UTC if None. `term` is that of the declaration. `invocation` completes the commands to
    copy. `sid` is the exam's, if the service told it and only the log could not take it.
    """

    address: Address
    doubted_at: Address
    intent: Intent
    course: str | None
    timezone: str | None
    term: str | None
    invocation: Invocation
    sid: str = PLACEHOLDER

    @property
    def place(self) -> str:
        """In words, the manifest that `manifest` belongs to."""
        return manifest_for(self.term)

    @property
    def title(self) -> str:
        """The title that was sent."""
        return title_of(self.intent.payload)

    @property
    def windows(self) -> list[tuple[str, Window]]:
        """The windows that were sent, each after its label."""
        return windows_of(self.intent.payload, self.timezone)

    @property
    def sent(self) -> Window:
        """When the create was sent."""
        return window_at(self.intent.started_at.replace(microsecond=0), self.timezone)

    @property
    def answer(self) -> UnclearAnswer:
        """What the service answered; empty if the run ended before an answer came."""
        return self.intent.answer or _NO_ANSWER

    @property
    def course_words(self) -> str:
        """The course by SID and, if known, by alias."""
        sid = self.intent.course_sid
        return sid if self.course is None else f"{self.course} ({sid})"

    @property
    def answer_words(self) -> str:
        """The answer in words."""
        if self.intent.answer is None:
            return "none is recorded: the run was cut off, or is still at work"
        status, reason = self.answer.status, self.answer.reason
        return reason if status is None or str(status) in reason else f"HTTP {status}: {reason}"

    @property
    def commands(self) -> tuple[str, str]:
        """The commands that settle the doubt: if the exam exists, and if it does not."""
        return self.invocation.settling_commands(self.doubted_at, self.sid)

    @property
    def manifest(self) -> tuple[str, str]:
        """The manifest entries that settle the doubt: if the exam exists, and if it does not."""
        attempt = as_yaml(self.intent.attempt)
        return (
            f"imports: [{{exam: {as_yaml(self.address)}, sid: {self.sid}}}]",
            f"absent: [{{exam: {as_yaml(self.doubted_at)}, attempt: {attempt}}}]",
        )

    @property
    def look(self) -> tuple[str, ...]:
        """How to look for the exam, in sentences."""
        status = self.intent.payload.get("status")
        known = ["with this title and exam window" if "exam" in dict(self.windows) else "with this title"]
        known += [f"status {status}"] if isinstance(status, str) and status != "active" else []
        facts = ", ".join((*known, f"created at about {self.sent.local}"))
        return (
            *_named_sids(self.answer),
            f"In SmarterProctoring's web console, open the course, and look among its exams for one {facts}.",
            *LOOK_FURTHER,
        )

    @property
    def support_facts(self) -> dict[str, str]:
        """What the vendor's support needs to find the exam. It does not repeat the text of the answer."""
        intent, answer = self.intent, self.answer
        window = dict(windows_of(intent.payload, None)).get("exam")
        return {
            "Install SID": intent.install_sid,
            "Course SID": intent.course_sid,
            "Title": printable(self.title),
            "Exam window": "not given" if window is None else window.local,
            "Sent at": instant_in_words(intent.started_at),
            "Answer": "none arrived" if answer.status is None else f"HTTP {answer.status}",
            "Request id": printable(answer.request_id or ""),
            "SIDs in it": ", ".join(answer.sids),
            "Our attempt": intent.attempt,
        }

    @property
    def support_message(self) -> str:
        """A message to the vendor's support."""
        return "\n".join(
            (
                "Subject: Was this exam created?",
                "",
                "We sent you a Create Exam request, and do not know its outcome.",
                "",
                *(f"{f'{name}:':14}{fact}" for name, fact in self.support_facts.items() if fact),
                "",
                "Does this exam exist? If so, what is its SID (EX and 32 characters)?",
                "If not, please confirm that it was not created and will not be.",
            )
        )


def in_doubt_report_of(change: Change, invocation: Invocation) -> InDoubtReport | None:
    """Return the in-doubt report of `change`; None if `change` is not in doubt."""
    if change.intent is None:
        return None
    return InDoubtReport(
        address=change.address,
        doubted_at=change.moved_from or change.address,
        intent=change.intent,
        course=_alias(change, change.intent),
        timezone=change.timezone,
        invocation=invocation,
        term=change.term,
    )


def in_doubt_reports_of_state(
    state: State,
    invocation: Invocation,
    *,
    lines: Sequence[Change] = (),
    sids: Mapping[Address, ExamSid] = NO_SIDS,
) -> dict[Address, InDoubtReport]:
    """Return the reports of all intents in `state` by address, sorted.

    `lines` are the changes of a plan; aliases of courses and time zones are taken from them. `sids` are
    those that the service told and the log could not take.
    """
    known = {line.address: line for line in lines}
    return {
        address: InDoubtReport(
            address=address,
            doubted_at=address,
            intent=intent,
            course=_alias(known[address], intent) if address in known else None,
            term=known[address].term if address in known else None,
            timezone=known[address].timezone if address in known else None,
            invocation=invocation,
            sid=sids.get(address, PLACEHOLDER),
        )
        for address, intent in sorted(state.intents.items())
    }


def _alias(line: Change, intent: Intent) -> str | None:
    """Return the alias of the course that was sent, if `line` still names that course."""
    return line.course if line.course_sid == intent.course_sid else None


def _named_sids(answer: UnclearAnswer) -> Iterator[str]:
    """Yield a sentence about the SIDs in `answer`, if it has any."""
    if answer.sids:
        left = len(answer.sids) - _NAMED_SIDS
        named = f"{', '.join(answer.sids[:_NAMED_SIDS])}{f' and {left} more' if left > 0 else ''}"
        yield f"The answer named {named}: see first whether this exam is among them."


def still_in_doubt(report: Report, state: State) -> dict[Address, Intent]:
    """Return the intents of `state` that are older than the run of `report`, by address, sorted."""
    new = set(report.in_doubt)
    return {address: state.intents[address] for address in sorted(state.intents) if address not in new}
