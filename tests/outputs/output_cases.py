"""Plans, reports, diagnostics and states that the tests of the outputs room share."""

from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.model.destination import Destination
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.identities import Address, AttemptId, CourseSid, Digest, ExamSid, InstallSid
from reconciler.model.payloads import Json, Payload, digest_of
from reconciler.model.plan import ABSENT, Action, Change, FieldDiff, Guard, Note, Plan
from reconciler.model.provenance import Layer, ValueSource
from reconciler.model.report import ExamOutcome, Outcome, Report
from reconciler.model.state import Entry, Intent, Resolution, ResolutionMethod, State, UnclearAnswer

INSTALL = InstallSid("AI" + "1" * 32)
COURSE = CourseSid("CU1234567890abcdef1234567890abcdef")
LINEAGE = "0d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10"
DESTINATION = Destination(
    api_url="https://api.example.edu", install_sids=(INSTALL,), state="s3://exams-state/production"
)
MORNING = datetime(2026, 9, 1, 8, 30, 15, 250000, tzinfo=UTC)


def sid(number: int) -> ExamSid:
    """A SID that shows `number`."""
    return ExamSid(f"EX{number:032x}")


def payload(title: str = "Midterm Exam 1", **configuration: Json) -> Payload:
    """A body of a usual exam, with `configuration` on top of a usual one."""
    return {
        "title": title,
        "type": "Online",
        "useProctorManager": True,
        "requireApproval": False,
        "url": "https://lms.example.edu/quiz/1",
        "enableAppointmentSuggestions": True,
        "examDeliverySystemModule": "canvas",
        "configuration": {
            "examOpenDate": "2026-10-12T13:00:00.000Z",
            "examCloseDate": "2026-10-14T21:00:00.000Z",
            "scheduleOpenDate": "2026-09-28T04:00:00.000Z",
            "scheduleCloseDate": "2026-10-13T03:59:59.000Z",
            "duration": 90,
            "attempts": 1,
            "password": {"fromEnv": "EXAM_SECRET_CS101_M1"},
            **configuration,
        },
    }


def change(
    address: str,
    action: Action,
    *,
    before: Payload | None = None,
    after: Payload | None = None,
    number: int | None = None,
) -> Change:
    """A change of `address` whose digest is that of what is declared, else of what was created."""
    body = after if after is not None else before
    return Change(
        address=Address(address),
        action=action,
        install_sid=INSTALL,
        course_sid=COURSE,
        sid=None if number is None else sid(number),
        digest=digest_of(body if body is not None else {}),
        source=None if after is None else Position("exams/cs101.yaml", 14, 3),
        before=before,
        after=after,
        timezone="America/New_York",
        course="cs101",
    )


def create(address: str = "cs101/midterm-1", title: str = "Midterm Exam 1") -> Change:
    """A missing exam."""
    return change(address, Action.CREATE, after=payload(title))


def noop(address: str, number: int) -> Change:
    """An exam that is up to date."""
    return change(address, Action.NOOP, before=payload(), after=payload(), number=number)


def intent() -> Intent:
    """A create that got an answer that says nothing."""
    return Intent(
        attempt=AttemptId("0198b7c2-41aa"),
        digest=digest_of(payload("Quiz 3")),
        install_sid=INSTALL,
        course_sid=COURSE,
        payload=payload("Quiz 3"),
        started_at=MORNING,
        by="ci@runner-7",
        answer=UnclearAnswer(status=502, reason="Bad Gateway", request_id="req-7f3a"),
    )


def changed() -> Change:
    """An exam whose declaration differs in every way that a renderer tells apart."""
    notes = "Bring a pencil. " * 30
    before = payload("Final Exam", studentNotes=notes, examCloseDate="2026-11-02T22:00:00.000Z")
    after = payload("Final Exam", studentNotes=f"{notes}No phones.", duration=120)
    difference = change("cs101/final", Action.CHANGED, before=before, after=after, number=7)
    return replace(
        difference,
        diff=(
            FieldDiff(path="configuration.duration", before=90, after=120),
            FieldDiff(
                path="configuration.examCloseDate",
                before="2026-11-02T22:00:00.000Z",
                after="2026-10-14T21:00:00.000Z",
            ),
            FieldDiff(
                path="configuration.password",
                before={"fromEnv": "EXAM_SECRET_OLD"},
                after={"fromFile": "cs101/m1"},
            ),
            FieldDiff(path="configuration.studentNotes", before=notes, after=f"{notes}No phones."),
            FieldDiff(path="contactUserSid", before=ABSENT, after="US" + "a" * 32),
            FieldDiff(path="description", before=None, after="Covers [bold]chapters[/bold] 1-5"),
        ),
    )


def every_action() -> Plan:
    """A plan that has each action once, and more than one exam up to date."""
    moved = change("cs101/quiz-2", Action.MOVE, before=payload("Quiz 2"), after=payload("Quiz 2"), number=4)
    orphan = change("cs101/old", Action.ORPHANED, before=payload("Makeup Exam"), number=9)
    doubt = change("cs101/quiz-3", Action.IN_DOUBT, after=payload("Quiz 3"))
    return Plan(
        destination=DESTINATION,
        lineage=LINEAGE,
        serial=12,
        changes=(
            changed(),
            replace(create(), course=None),
            noop("cs101/midterm-2", 2),
            replace(orphan, timezone=None),
            change("cs101/practice", Action.FORGET, before=payload("[Practice] Try it"), number=3),
            change("cs101/quiz-1", Action.IMPORT, after=payload("Quiz 1"), number=5),
            replace(moved, moved_from=Address("cs101/q2")),
            replace(doubt, intent=intent()),
            noop("cs102/final", 8),
        ),
    )


def many_creates(count: int) -> Plan:
    """A plan of nothing but creates."""
    changes = tuple(create(f"cs{100 + n // 40}/quiz-{n:04}", f"Quiz {n} of the term") for n in range(count))
    return Plan(destination=DESTINATION, lineage=LINEAGE, serial=0, changes=changes)


def section(key: str, one: Change, exam: str = "cs101/midterm") -> Change:
    """`one` as the section `key` of `exam`, which is in a course of its own."""
    return replace(
        one,
        address=Address(f"2032sp/{exam}/{key}"),
        term="2032sp",
        section=key,
        course=f"cs101-{key}",
        course_sid=CourseSid(f"CU{int(key):032x}"),
    )


def many_sections(count: int) -> Plan:
    """A plan that creates two exams of `count` sections, the second on days of their own."""
    keys = [f"{number:03}" for number in range(1, count + 1)]
    midterms = [section(key, create(title=f"Midterm, Section {key}")) for key in keys]
    finals = [
        section(
            key,
            change(
                "",
                Action.CREATE,
                after=payload("Final Exam", examOpenDate=f"2026-10-{int(key) % 4 + 10}T13:00:00.000Z"),
            ),
            "cs101/final",
        )
        for key in keys
    ]
    return Plan(destination=DESTINATION, lineage=LINEAGE, serial=0, changes=(*finals, *midterms))


def year() -> Plan:
    """A plan of two terms and an exam of none, with sections that are to be created, changed and so on."""
    midterm, longer = payload("Midterm"), payload("Midterm", duration=135, password=None)
    duration = FieldDiff(path="configuration.duration", before=60, after=90)
    title = FieldDiff(path="title", before="Makeup", after="Makeup Exam")
    makeup = change("", Action.CHANGED, before=payload(), after=payload("Makeup Exam"))
    quiz = change("", Action.MOVE, before=payload("Quiz 2"), after=payload("Quiz 2"))
    doubt = replace(change("", Action.IN_DOUBT, after=payload("Quiz 3")), intent=intent())
    essay = replace(create("2031fa/cs101/essay", "Essay"), term="2031fa")
    return Plan(
        destination=DESTINATION,
        lineage=LINEAGE,
        serial=12,
        changes=(
            replace(essay, after=payload("Essay", examOpenDate="2026-09-12T13:00:00.000Z")),
            section("001", change("", Action.CREATE, after=midterm)),
            section("002", change("", Action.CREATE, after=longer)),
            section("010", change("", Action.CREATE, after=payload("Midterm, late"))),
            *(
                replace(section(f"00{number}", makeup, "cs101/makeup"), sid=sid(number), diff=differences)
                for number, differences in enumerate([(duration,), (duration, title), (duration,)], 1)
            ),
            *(
                replace(section(key, quiz, "cs101/quiz-2"), sid=sid(int(key)), moved_from=Address(f"q{key}"))
                for key in ("004", "005")
            ),
            *(section(f"00{number}", doubt, "cs101/quiz-3") for number in range(1, 7)),
            create("practice", "[Practice] Try it"),
        ),
    )


def special() -> Plan:
    """A plan that creates an exam with all that needs a look, and a usual one, with a warning."""
    body: Payload = {
        **payload("Final\N{NO-BREAK SPACE}Exam", examCloseDate="2026-10-12T15:00:00.000Z", password=None),
        "contactUserSid": "US" + "7" * 32,
        "isLimitedScope": True,
        "requireApproval": True,
        "status": "draft",
        "description": "Rooms 1 to 9 are open from eight. " * 8,
    }
    made = replace(change("cs101/final", Action.CREATE, after=body), timezone="Asia/Shanghai")
    return Plan(
        destination=replace(DESTINATION, environment="production"),
        lineage=LINEAGE,
        serial=0,
        changes=(made, create()),
        names={"US" + "7" * 32: "jdoe"},
        warnings=tuple(found for found in diagnostics() if found.severity is Severity.WARNING),
    )


def provenance() -> dict[Address, dict[str, ValueSource]]:
    """Sources of values of `special`, of each layer."""
    place = Position("exams/cs101.yaml", 9, 5)
    defaults = ValueSource(layer=Layer.DEFAULTS, position=place)
    staging = ValueSource(layer=Layer.ENVIRONMENT, position=None, name="production")
    lab = ValueSource(layer=Layer.PROFILE, position=Position("_lab.yaml", 3, 9), name="lab\x1b")
    return {
        Address("cs101/final"): {
            "title": ValueSource(layer=Layer.EXAM, position=place),
            "type": defaults,
            "description": defaults,
            "contactUser": defaults,
            "configuration.attempts": lab,
            "configuration.examOpenDate": lab,
            "configuration.examCloseDate": lab,
            "configuration.scheduleOpenDate": lab,
            "courseSid": staging,
            "installSid": staging,
        }
    }


def noted() -> Plan:
    """A plan with notes, more than are printed, and a password whose value differs."""
    reference = {"fromEnv": "EXAM_SECRET_CS101_M1"}
    hidden = FieldDiff(path="configuration.password", before=reference, after=reference, is_of_value=True)
    body = payload()
    rotated = replace(
        change("cs101/final", Action.CHANGED, before=body, after=body, number=7), diff=(hidden,)
    )
    secrets = Note(
        code="secrets-not-checked",
        message="password not checked, as its value is not available here: cs101/quiz",
        hint="Set the variables.",
        source=None,
        addresses=(Address("cs101/quiz"),),
    )
    done = tuple(
        Note(
            code="done",
            message=f"the removal of cs101/old-{number} is done: state does not know it",
            hint="It may be removed.",
            source=Position("exams/cs101.yaml", number, 12),
            addresses=(Address(f"cs101/old-{number}"),),
        )
        for number in range(1, 27)
    )
    lost = replace(
        done[0], code="points-nowhere", message="the import of x\x1b[31m does nothing", hint="Remove it."
    )
    return Plan(
        destination=DESTINATION, lineage=LINEAGE, serial=7, changes=(rotated,), notes=(secrets, *done, lost)
    )


def guarded() -> Plan:
    """A plan that two guards refuse."""
    plan = many_creates(8)
    addresses = tuple(one.address for one in plan.changes)
    return replace(
        plan,
        guards=(
            Guard(
                code="too-many-creates",
                message="8 exams would be created, and 5 are allowed.",
                hint="If that is meant, run apply with `--max-creates 8`.",
                addresses=addresses,
            ),
            Guard(code="closed-window", message="A window has closed.", hint="Mend it.", addresses=()),
        ),
    )


def diagnostics() -> list[Diagnostic]:
    """One diagnostic for each way in which an excerpt is laid out."""
    return [
        diagnostic("    requireAproval: false", 5, 19, hint="did you mean 'requireApproval'?"),
        diagnostic("\ttitle: \u8a66\u9a13\uff11 \u671f\u672b", 9, 12, hint="shorten it"),
        diagnostic(f"    studentNotes: {'bring a pencil ' * 20}", 250, 260, hint="a long line is cut"),
        diagnostic("  url: x", 3, 6, hint=f"this hint is long: {'say more ' * 20}"),
        diagnostic("  open", 7, 7, hint="something is missing here"),
        Diagnostic(
            severity=Severity.WARNING,
            code="inline-secret",
            message="the password is written in the manifest",
            hint="Move it to a secret.",
            span=Span(Position("exams/cs101.yaml", 120, 5), 120, 9),
            address=Address("cs101/final"),
        ),
        Diagnostic(
            severity=Severity.ERROR, code="no-manifest", message="nothing was found", hint="Name a file."
        ),
    ]


def diagnostic(excerpt: str, start: int, end: int, *, hint: str) -> Diagnostic:
    """An error on line 14 that marks the columns from `start` up to `end`."""
    return Diagnostic(
        severity=Severity.ERROR,
        code="unknown-field",
        message="'requireAproval' is not a field of an exam",
        hint=hint,
        span=Span(Position("exams/cs101.yaml", 14, start), 14, end),
        address=Address("cs101/midterm-1"),
        excerpt=excerpt,
    )


def report() -> Report:
    """A report with each outcome, of a run that was interrupted."""
    return Report(
        exams=(
            outcome("cs101/final", Outcome.CREATED, number=1, status=200),
            outcome(
                "cs101/midterm-1", Outcome.FAILED, status=422, message="title: [red]too long\x1b[31m\nreally"
            ),
            outcome("cs101/quiz-1", Outcome.IN_DOUBT, status=502, message="Bad Gateway"),
            outcome("cs101/quiz-2", Outcome.NOT_ATTEMPTED, message="the run was stopped"),
        ),
        interrupted_by=15,
    )


def year_report() -> Report:
    """A report of `year`: exams that were created, and one of which some sections failed."""
    plan = year()
    ended = (Outcome.CREATED, Outcome.CREATED, Outcome.FAILED, Outcome.FAILED, Outcome.CREATED)
    return Report(
        exams=tuple(
            outcome(
                one.address, how, number=number if how is Outcome.CREATED else None, message="no such user"
            )
            for number, (one, how) in enumerate(zip(plan.having(Action.CREATE), ended, strict=True), 1)
        )
    )


def outcome(
    address: str, ended: Outcome, *, number: int | None = None, status: int | None = None, message: str = ""
) -> ExamOutcome:
    """How the create of `address` ended."""
    found = None if number is None else sid(number)
    return ExamOutcome(address=Address(address), outcome=ended, sid=found, status=status, message=message)


def entry(number: int, title: str) -> Entry:
    """A created exam."""
    return Entry(
        sid=sid(number),
        install_sid=INSTALL,
        course_sid=COURSE,
        digest=Digest("sha256:" + "b" * 64),
        payload=payload(title, modalityOptions={}, proctorTypes=["auto"], studentNotes=""),
        created_at=MORNING,
    )


def in_environment(plan: Plan, name: str | None) -> Plan:
    """`plan`, made for the environment `name`."""
    return replace(plan, destination=replace(plan.destination, environment=name))


def state() -> State:
    """A state of two exams and one in doubt."""
    return State(
        lineage=LINEAGE,
        serial=3,
        exams={
            Address("cs101/midterm-1"): entry(1, "Midterm Exam 1"),
            Address("cs101/final"): entry(2, "Final [red]Exam"),
        },
        intents={Address("cs101/quiz-3"): intent()},
    )


def many_doubts(count: int = 5) -> State:
    """A state of one exam and `count` in doubt, in two courses; the first answer named exams."""
    answers = (UnclearAnswer(status=500, reason="=oops", sids=(sid(8), sid(9))), intent().answer, None)
    intents = {
        Address(f"cs101/quiz-{number}"): replace(
            intent(),
            attempt=AttemptId(f"0198b7c2-{number:04}"),
            payload=payload(f"=Quiz {number} | <b>" if number % 2 else f"Quiz {number}"),
            course_sid=CourseSid("CU" + "ab" * 16) if number % 2 else COURSE,
            answer=answers[number % 3],
        )
        for number in range(count)
    }
    return replace(state(), exams={Address("cs101/final"): entry(2, "Final Exam")}, intents=intents)


def settled() -> State:
    """A state in which one doubt ended with an exam, and another without."""
    return state().with_resolutions(
        Resolution(
            address=Address("cs101/final"),
            attempt=AttemptId("0198b7c2-40bb"),
            sid=sid(2),
            by="jdoe@desk",
            at=MORNING,
            how=ResolutionMethod.IMPORTS_BLOCK,
        ),
        Resolution(
            address=Address("cs101/quiz-9"),
            attempt=AttemptId("0198b7c2-40cc"),
            sid=None,
            by="jdoe@desk",
            at=MORNING,
            how=ResolutionMethod.RESOLVE_ABSENT,
        ),
    )
