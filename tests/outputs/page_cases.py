"""Plans for the forms that people look at: a small one, ones of any size, and one that means harm."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

import output_cases as cases
from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.identities import Address, CourseSid
from reconciler.model.plan import Action, Change, FieldDiff, Guard, Note, Plan
from reconciler.model.provenance import Layer, Provenance, ValueSource
from reconciler.model.rules import Context, Exam
from reconciler.rules import windows

TERM: Final = datetime(2031, 9, 1, 13, tzinfo=UTC)
_KINDS: Final = ("Quiz", "Midterm Exam", "Final Exam", "Lab Practical", "Makeup Exam", "Placement Test")

HOSTILE: Final = (
    "a | b || c \\| d",
    "`code` ``two`` ```js",
    "@admin and @org/team, a@example.com",
    "[link](https://evil.example) ![image](https://evil.example/x.png)",
    "https://evil.example www.evil.example evil.example //evil.example ftp://evil.example",
    "<img src=x onerror=alert(1)> <script>alert(2)</script> </td></table>",
    "line\nbreak\r\nand\u2028more\u2029yet",
    "\u202egnp.exe\u202c \u200f\u2066x\u2069 \u05e9\u05dc\u05d5\u05dd",
    "#123 GH-7 org/repo#9 !4 $5 %6 ~bug &8 deadbeef99",
    ":tada: ::100:: :+1:",
    "click a href javascript:alert(1); section x # no %% {init} gantt",
    "title Taken over",
    "2031-01-01 a date : done, 2031-01-01, 1d",
    "--> end --!> <!-- begin",
    "</script><script>alert(3)</script> </style> </title>",
    '" onload="alert(4)" x=" \' \' ',
    "{{ 7 * 7 }} {% raw %} ${7*7} $x^2$",
    "**bold** _em_ ~~del~~ > quote - item [^1] [ ] ***",
    "&lt;script&gt; &#64;admin &commat;admin",
    "/close /assign @me",
    "\x1b[31mred\x07\x00",
    "x" * 4000,
    "\U0001f469\u200d\U0001f52c" * 300,
    "",
)
"""Titles that try to be more than a title."""


def course_sid(alias: str) -> CourseSid:
    """A SID of its own for each course."""
    return CourseSid(f"CU{zlib.crc32(alias.encode()):032x}")


def instant(moment: datetime) -> str:
    """`moment` as payloads spell it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def dated(  # noqa: PLR0913 - each is something that a form shows
    number: int, title: str, *, course: str, opens: datetime, days: float = 2, note: str = ""
) -> Change:
    """A missing exam of `course` that is open for some days, and can be booked in the fortnight before."""
    closes = opens + timedelta(days=days)
    body = cases.payload(
        title,
        examOpenDate=instant(opens),
        examCloseDate=instant(closes),
        scheduleOpenDate=instant(opens - timedelta(days=14)),
        scheduleCloseDate=instant(closes - timedelta(days=1)),
        duration=45 + number % 4 * 15,
        proctorTypes=["auto"] if number % 3 else ["live", "review"],
        **({"studentNotes": note} if note else {}),
    )
    change = cases.change(f"{course}/exam-{number:04}", Action.CREATE, after=body)
    return replace(change, course=course, course_sid=course_sid(course))


def small() -> Plan:
    """Five exams of two courses: two that overlap, one changed, one in doubt and one orphaned."""
    first = dated(1, "Midterm Exam 1", course="cs101", opens=TERM + timedelta(days=20))
    second = dated(2, "Programming Lab Practical", course="cs101", opens=TERM + timedelta(days=21), days=3)
    final = dated(3, "Final Exam", course="cs101", opens=TERM + timedelta(days=80), days=4)
    before = dated(3, "Final Exam", course="cs101", opens=TERM + timedelta(days=79), days=3).after
    algorithms = dated(4, "Algorithms: Graphs & Trees", course="cs310", opens=TERM + timedelta(days=41))
    orphan = dated(5, "Makeup Exam", course="cs310", opens=TERM + timedelta(days=60))
    changed = replace(
        final,
        action=Action.CHANGED,
        sid=cases.sid(7),
        before=before,
        diff=(
            FieldDiff(path="configuration.duration", before=60, after=90),
            FieldDiff(
                path="configuration.examOpenDate",
                before=instant(TERM + timedelta(days=79)),
                after=instant(TERM + timedelta(days=80)),
            ),
        ),
    )
    doubt = replace(algorithms, action=Action.IN_DOUBT, intent=cases.intent())
    left = replace(
        orphan, action=Action.ORPHANED, sid=cases.sid(9), before=orphan.after, after=None, source=None
    )
    return warned(plan_of(first, second, changed, doubt, left))


def year() -> Plan:
    """Two terms: an exam of 30 sections in 30 courses, one of three sections in one course, and two alone."""
    keys = [f"{number:03}" for number in range(1, 31)]
    opens = TERM + timedelta(days=170)
    midterm = [
        cases.section(
            key,
            dated(
                1, f"CS 101 Midterm, Section {key}", course="x", opens=opens + timedelta(days=int(key) % 3)
            ),
        )
        for key in keys
    ]
    labs = [
        replace(
            cases.section(key, dated(4 + number, "Lab Practical", course="x", opens=opens), "bio210/lab"),
            course="bio210",
            course_sid=course_sid("bio210"),
        )
        for number, key in enumerate(keys[:3])
    ]
    makeups = [
        replace(
            cases.section(
                key, dated(1, "Makeup Exam", course="x", opens=opens + timedelta(days=9)), "cs101/makeup"
            ),
            action=Action.CHANGED,
            sid=cases.sid(int(key)),
            diff=(
                FieldDiff(path="configuration.duration", before=45, after=60),
                *([FieldDiff(path="title", before="Makeup", after="Makeup Exam")] if key == "002" else []),
            ),
        )
        for key in keys[:4]
    ]
    quiz = replace(dated(7, "Quiz 1", course="bio210", opens=opens + timedelta(days=20)), term="2032sp")
    essay = replace(dated(8, "Essay", course="bio210", opens=TERM), term="2031fa")
    return plan_of(essay, quiz, *labs, *makeups, *midterm)


def warned(plan: Plan) -> Plan:
    """`plan` with what the rule says of windows that overlap."""
    rule = next(rule for rule in windows.RULES if rule.code == "overlapping-windows")
    exams = [
        Exam(
            address=change.address,
            install_sid=change.install_sid,
            course_sid=change.course_sid,
            payload=change.after,
        )
        for change in plan.changes
        if change.after is not None
    ]
    warnings = (
        Diagnostic(
            severity=Severity.WARNING,
            code=rule.code,
            message=found.message,
            hint=found.hint,
            address=found.exam.address,
        )
        for found in rule.check(exams, Context())
    )
    return replace(plan, warnings=tuple(warnings))


def provenance(plan: Plan) -> dict[Address, Provenance]:
    """Sources of the values of each exam: titles and dates are its own, all others have a layer."""
    own = ("title", "configuration.examOpenDate", "configuration.examCloseDate")
    layers = [
        ("type", Layer.DEFAULTS, None, Position("exams/cs101.yaml", 3, 9)),
        ("useProctorManager", Layer.DEFAULTS, None, Position("shared/base.yaml", 4, 22)),
        ("configuration.attempts", Layer.PROFILE, "lab", Position("exams/cs101.yaml", 7, 30)),
        ("installSid", Layer.ENVIRONMENT, "production", None),
    ]
    sources = {
        path: ValueSource(layer=Layer.EXAM, position=Position("exams/cs101.yaml", 15, 5)) for path in own
    }
    sources |= {path: ValueSource(layer=layer, name=name, position=at) for path, layer, name, at in layers}
    return {change.address: sources for change in plan.changes if change.after is not None}


def special() -> Plan:
    """A course in which nothing overlaps that matters: a draft's twin, a practice, and assigned students."""
    exams = {
        "Midterm": {},
        "Midterm for assigned students": {"isLimitedScope": True, "status": "draft", "requireApproval": True},
        "[Practice] Midterm": {},
    }
    opens = datetime(2031, 11, 1, 13, tzinfo=UTC)
    changes = [
        dated(number, title, course="cs101", opens=opens, days=3) for number, title in enumerate(exams)
    ]
    return warned(
        plan_of(
            *(
                replace(change, after={**(change.after or {}), **more})
                for change, more in zip(changes, exams.values(), strict=True)
            )
        )
    )


def plan_of(*changes: Change, guards: tuple[Guard, ...] = ()) -> Plan:
    """A plan of `changes`, sorted as plans are."""
    ordered = tuple(sorted(changes, key=lambda change: change.address))
    return Plan(
        destination=cases.DESTINATION, lineage=cases.LINEAGE, serial=12, changes=ordered, guards=guards
    )


def term(exams: int, courses: int = 50) -> Plan:
    """A plan of `exams` creates, over a term of four months."""
    changes = [
        dated(
            number,
            f"{_KINDS[number % len(_KINDS)]} {number // courses + 1}",
            course=f"c{100 + number % courses}",
            opens=TERM + timedelta(days=number * 37 % 115, hours=number % 9),
            days=1 + number % 3,
        )
        for number in range(exams)
    ]
    changed = [
        replace(
            change,
            action=Action.CHANGED,
            sid=cases.sid(number),
            before=change.after,
            diff=(FieldDiff(path="configuration.duration", before=45, after=90),),
        )
        for number, change in enumerate(changes[::40])
    ]
    return plan_of(*(change for number, change in enumerate(changes) if number % 40), *changed)


def hostile(exams: int = len(HOSTILE)) -> Plan:
    """A plan in which every text that an author, a service or a file's name can give means harm."""
    changes = []
    for number in range(exams):
        text = HOSTILE[number % len(HOSTILE)]
        change = dated(number, text, course="h", opens=TERM + timedelta(days=number % 90), note=text)
        texts = dict.fromkeys(("description", "examDeliverySystemModule", "status", "url", text), text)
        change = replace(
            change, course=text, course_sid=course_sid(text), after={**(change.after or {}), **texts}
        )
        if change.source is not None:
            change = replace(change, source=replace(change.source, file=text))
        changes.append(_in_role(change, number, text))
    addresses = tuple(change.address for change in changes)
    guard = Guard(code="too-many-creates", message=HOSTILE[4], hint=HOSTILE[5], addresses=addresses)
    notes = tuple(
        Note(code="done", message=text, hint=text, source=Position(text, 1, 1), addresses=())
        for text in HOSTILE
    )
    plan = plan_of(*changes, guards=(guard, *(replace(guard, message=text) for text in HOSTILE)))
    return replace(plan, notes=notes, warnings=tuple(map(_warning, HOSTILE)))


def _warning(text: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code="title-spaces",
        message=text,
        hint=text,
        span=Span(Position(text, 1, 1), 1, 2),
        excerpt=text,
    )


def _in_role(change: Change, number: int, text: str) -> Change:
    """`change` as one of the actions that show much of it."""
    match number % 5:
        case 3:
            sides = (
                FieldDiff(path="title", before=text, after=f"{text}."),
                FieldDiff(path=text, before=text, after=1),
            )
            return replace(
                change, action=Action.CHANGED, sid=cases.sid(number), before=change.after, diff=sides
            )
        case 4:
            intent = cases.intent()
            answer = None if intent.answer is None else replace(intent.answer, reason=text, request_id=text)
            doubt = replace(intent, payload=change.after or {}, by=text, answer=answer)
            moved = Address(f"{change.address}-before")
            return replace(change, action=Action.IN_DOUBT, intent=doubt, moved_from=moved)
        case _:
            return change


def clashing() -> Plan:
    """Exams of two courses that students of one cohort sit in the same hours, and one that is no clash."""
    morning = TERM + timedelta(days=20)
    first = dated(1, "Midterm Exam", course="cs210", opens=morning, days=0.125)
    second = dated(2, "Calculus Midterm", course="math120", opens=morning + timedelta(hours=1), days=0.125)
    apart = dated(3, "Calculus Quiz", course="math120", opens=morning + timedelta(days=1), days=0.125)
    warning = Diagnostic(
        severity=Severity.WARNING,
        code="cohort-clash",
        message=f"students of 'year-2' sit '{first.address}' in the same hours",
        hint="Move one of the two.",
        address=second.address,
        others=frozenset({first.address}),
    )
    return replace(plan_of(first, second, apart), warnings=(warning,))
