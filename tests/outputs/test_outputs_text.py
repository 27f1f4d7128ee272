"""What text forms keep to whatever they are given: escapes, secrets, bounds, alignment, words."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import output_cases as cases
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.diagnostics import Severity
from reconciler.model.errors import PlanRefused, UsageError
from reconciler.model.identities import Address
from reconciler.model.payloads import configuration_of
from reconciler.model.plan import Action, Change, FieldDiff, Guard, Plan
from reconciler.model.report import Outcome, Report
from reconciler.model.state import State
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import Window, moment_text, secret_words, sides_of, window_of, windows_of
from reconciler.outputs.html.page import plan_page
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing, Sources
from reconciler.outputs.markdown.comment import plan_markdown
from reconciler.outputs.text.console import Console, columns_of, keep_left, keep_right, pad
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.errors_text import print_error
from reconciler.outputs.text.plan_text import print_plan
from reconciler.outputs.text.report_text import print_report
from reconciler.outputs.text.state_text import print_entry, print_state

HOSTILE = "[red]x[/red]\x1b[31m\x9b\r\n\t\u202egnp.exe\u2066\u200b\ud800\x00"
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)


def console(*, width: int = 80, is_terminal: bool = True) -> Console:
    """A console that writes into a string, without colour."""
    return Console(io.StringIO(), width=width, is_terminal=is_terminal)


def written(to: Console) -> str:
    """What stands on a console of ours."""
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def plan_of(*changes: Any) -> Plan:
    """A plan of `changes`."""
    return Plan(lineage=cases.LINEAGE, serial=0, changes=changes)


def plan_text(plan: Plan) -> str:
    """`plan` as text."""
    to = console()
    print_plan(plan, to, listing=Listing.ALL)
    return written(to)


@given(ANY_TEXT)
def test_printable_is_one_harmless_line(text: str) -> None:
    """No text steers a terminal, breaks a line, or cannot be encoded."""
    shown = printable(text)
    assert printable(shown) == shown
    assert len(f"{shown}.".splitlines()) == 1
    assert not any(ord(character) < 32 or 0x7F <= ord(character) <= 0x9F for character in shown)
    shown.encode("utf-8")


def test_printable_spells_out_what_it_hides() -> None:
    """Escapes are shown as Python spells them; letters of every script and joined emoji stay."""
    assert printable("a\x1b[2J\u202eb\n") == r"a\x1b[2J\u202eb\n"
    kept = "Prüfung 試験 آزمون می\u200cشود \N{MAN}\u200d\N{PERSONAL COMPUTER}\u00a0"
    assert printable(kept) == kept


@pytest.mark.parametrize("listing", [Listing.DIFFERING, Listing.ALL])
def test_hostile_text_is_shown_escaped_everywhere_in_a_plan(listing: Listing) -> None:
    """Markup, escapes and overrides in titles, aliases, paths and values appear spelt out."""
    hostile = replace(
        cases.changed(),
        course=HOSTILE,
        after=cases.payload(HOSTILE),
        diff=(FieldDiff(path=HOSTILE, before=HOSTILE, after=1),),
    )
    to = console(width=200)
    print_plan(plan_of(hostile), to, listing=listing)
    text = written(to)
    assert "[red]x[/red]" in text
    assert r"\u202egnp.exe" in text
    assert not set("\x1b\x9b\r\u202e\u2066\u200b\x00\ud800") & set(text)


@given(ANY_TEXT)
def test_no_text_breaks_a_renderer(text: str) -> None:
    """Whatever titles, messages and excerpts hold, every renderer ends and gives encodable text."""
    to = console(width=40)
    sendable = text.encode("utf-8", "replace").decode()  # no payload holds a lone surrogate
    print_plan(plan_of(cases.create(title=sendable)), to, listing=Listing.ALL)
    print_diagnostics([cases.diagnostic(text, 2, 7, hint=text)], to)
    failed = cases.outcome("a", Outcome.FAILED, message=text)
    print_report(Report(exams=(failed,)), to, plan=plan_of(), state=cases.state())
    print_error(UsageError(text, hint=text), to)
    written(to).encode("utf-8")


@given(
    before=st.text(st.sampled_from("ab \t試\x1b"), max_size=120),
    marked=st.text(st.sampled_from("xy試"), min_size=1, max_size=30),
    after=st.text(st.sampled_from("ab \t試"), max_size=120),
)
def test_marker_stands_under_what_it_marks(before: str, marked: str, after: str) -> None:
    """With tabs, wide characters, escapes and cuts, marker and marked text begin in the same column."""
    to = console(width=100)
    start = len(before) + 1
    print_diagnostics([cases.diagnostic(before + marked + after, start, start + len(marked), hint="h")], to)
    _, source, marker, *_ = written(to).split("\n")
    column = columns_of(marker) - columns_of(marker.lstrip(" |"))
    assert columns_of(source) <= 100
    at = next(index for index in range(len(source)) if columns_of(source[:index]) == column)
    assert source[at:].startswith(marked[:10])
    assert marker.count("^") == columns_of(marked)


def test_span_of_many_lines_is_marked_to_the_end_of_the_first() -> None:
    """The marker ends with the excerpt's last visible character."""
    found = cases.diagnostic("  notes: |  ", 3, 2, hint="h")
    assert found.span is not None
    to = console()
    print_diagnostics([replace(found, span=replace(found.span, end_line=20))], to)
    assert "     |   ^^^^^^^^ h\n" in written(to)


def test_many_diagnostics_are_bounded_and_errors_come_before_warnings() -> None:
    """200 of 300 are printed, the last error among them, and all are counted."""
    error = cases.diagnostic("x", 1, 2, hint="h")
    warnings = [replace(error, severity=Severity.WARNING)] * 299
    to = console()
    print_diagnostics([*warnings, error], to)
    text = written(to)
    assert text.count("warning[") == 199
    assert text.count("error[") == 1
    assert "and 100 more" in text
    assert text.endswith("1 error, 299 warnings\n")


def test_no_diagnostics_print_nothing() -> None:
    """Silence where there is nothing to say."""
    to = console()
    print_diagnostics([], to)
    assert written(to) == ""


def test_megabyte_of_one_line_is_cut() -> None:
    """A huge line costs and shows no more than a line."""
    to = console()
    print_diagnostics([cases.diagnostic("a\t" * 500_000, 400_000, 900_000, hint="h")], to)
    assert max(map(len, written(to).splitlines()[1:])) <= 80


@pytest.mark.parametrize("count", [1, 2000])
def test_plan_of_any_size_begins_with_its_headline(count: int) -> None:
    """One create is shown whole and 2,000 on two lines each; the first line says what apply will do."""
    to = console()
    print_plan(cases.many_creates(count), to, listing=Listing.DIFFERING)
    lines = written(to).splitlines()
    assert lines[0].startswith(
        f"Apply will create {count:,} exam{'s' * (count > 1)} in 1 course, from 12 Oct"
    )
    assert len(lines) < 2 * count + 25


MOMENTS = st.none() | st.integers(0, 2**32).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
)
DATES = ("examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate")
EXAMS = st.builds(
    lambda title, dates, extra, number, zone: replace(
        cases.change(
            f"x/{number}",
            Action.CREATE,
            after={
                **cases.payload(
                    title.encode("utf-8", "replace").decode(), **dict(zip(DATES, dates, strict=True))
                ),
                **extra,
            },
        ),
        timezone=zone,
    ),
    ANY_TEXT,
    st.tuples(*[MOMENTS] * 4),
    st.fixed_dictionaries({}, optional={"status": st.just("draft"), "description": ANY_TEXT.map(repr)}),
    st.integers(0, 10**40),
    st.sampled_from([None, "America/New_York", "Asia/Kathmandu", "Asia/Shanghai", "Australia/Lord_Howe"]),
)


@given(
    exams=st.lists(EXAMS, min_size=1, max_size=8, unique_by=lambda exam: exam.address),
    width=st.integers(60, 140),
    listing=st.sampled_from([Listing.DIFFERING, Listing.ALL]),
    sources=st.sampled_from(Sources),
)
def test_lines_fit_and_windows_are_whole(
    exams: list[Change], width: int, listing: Listing, sources: Sources
) -> None:
    """At any width from 60 columns no line is wider, and each time of each create is on one line."""
    to = console(width=width)
    plan = plan_of(*exams)
    print_plan(plan, to, listing=listing, sources=sources)
    copied = ("Fingerprint sha256:", "State serial")
    lines = [line for line in written(to).splitlines() if not line.startswith(copied)]
    assert max(map(columns_of, lines)) <= width
    text = " ".join(" ".join(lines).split())
    is_whole = len(exams) <= 5 or listing is Listing.ALL
    for exam in exams:
        payload = exam.after or {}
        if sources is Sources.PLACED:
            times = [moment_text(configuration_of(payload)[name], exam.timezone) for name in DATES]
        else:
            windows = [
                window for kind, window in windows_of(payload, exam.timezone) if is_whole or kind == "exam"
            ]
            assert all(window.local in text for window in windows)
            times = [time for window in windows for time in window.local.split(" \N{EN DASH} ")]
        assert all(any(time in line for line in lines) for time in times if time is not None)


SUMMARIES = {
    "Nothing to do: no exam is declared.": plan_of(),
    "Nothing to do: the one exam is up to date.": plan_of(cases.noop("a", 1)),
    "Nothing to do: both exams are up to date.": plan_of(cases.noop("a", 1), cases.noop("b", 2)),
    "Apply has nothing to do.\nIt will not touch: 1 changed.\n1 is up to date.": plan_of(
        cases.changed(), cases.noop("z", 1)
    ),
}


@pytest.mark.parametrize("sentences", SUMMARIES)
def test_summary_says_what_apply_will_and_will_not_do(sentences: str) -> None:
    """Each situation has its sentences."""
    assert sentences in plan_text(SUMMARIES[sentences])


def test_guards_without_changes_still_refuse() -> None:
    """A plan that a guard refuses is never called up to date."""
    plan = replace(plan_of(cases.noop("a", 1)), guards=cases.guarded().guards)
    assert "Apply will refuse this plan" in plan_text(plan)
    assert "Nothing to do" not in plan_text(plan)


def test_many_in_doubt_show_how_to_settle_the_first() -> None:
    """The first three stand whole, the others on one line each, and a command shows these."""
    doubt = replace(cases.change("a", Action.IN_DOUBT, after=cases.payload()), intent=cases.intent())
    text = plan_text(plan_of(*(replace(doubt, address=Address(f"a{n:03}")) for n in range(30))))
    assert text.count("reconciler resolve a") == 6
    assert "reconciler resolve a000 --absent" in text
    assert "… and 27 more in doubt." in text
    assert "reconciler state show ADDRESS" in text
    assert all(f"  ? a{n:03}" in text for n in range(30))


def test_change_without_body_or_intent_still_stands_there() -> None:
    """An in-doubt create of which nothing else is known is shown by its address."""
    text = plan_text(plan_of(cases.change("a", Action.IN_DOUBT)))
    assert "  ? a\n" in text
    assert "reconciler resolve a --absent" in text


def test_many_moves_say_where_from() -> None:
    """A brief move names the old address."""
    move = replace(cases.change("a", Action.MOVE, after=cases.payload()), moved_from=Address("old"))
    text = plan_text(plan_of(*(replace(move, address=Address(f"a{n:03}")) for n in range(30))))
    assert text.count("was old") == 30


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"fromEnv": "EXAM_SECRET_X"}, "from EXAM_SECRET_X"),
        ({"fromFile": "a/b"}, "from file a/b"),
        ({"inline": True}, "written in the manifest (hidden)"),
        ("hunter2", "(hidden)"),
        ({"value": "hunter2"}, "(hidden)"),
    ],
)
def test_password_is_never_shown(reference: Any, words: str) -> None:
    """References are named, and anything else in a password's place is hidden."""
    assert secret_words(reference) == words
    shown = plan_text(plan_of(cases.change("a", Action.CREATE, after=cases.payload(password=reference))))
    assert re.search(rf"\n    password +{re.escape(words)}\n", shown)
    whole = FieldDiff(path="configuration", before=None, after={"password": reference})
    field = FieldDiff(path="configuration.password", before=None, after=reference)
    assert all("hunter2" not in side for one in (whole, field) for side in sides_of(one, None))


def test_long_values_show_where_they_differ() -> None:
    """Both sides are cut, and the differing end is in sight."""
    before, after = sides_of(FieldDiff(path="x", before="a" * 5000 + "b", after="a" * 5000 + "c"), None)
    assert (before[-2:], after[-2:]) == ('b"', 'c"')
    assert max(len(before), len(after)) < 50


WINDOWS: list[tuple[Any, Any, str | None, Window | None]] = [
    (None, None, None, None),
    ("2026-10-12T13:00:00.000Z", None, None, Window("from Mon 2026-10-12 13:00 UTC", "")),
    (None, "2026-10-12T13:00:30.000Z", None, Window("until Mon 2026-10-12 13:00:30 UTC", "")),
    ("soon", 5, None, Window("soon \N{EN DASH} 5", "")),
    ("2026-99-12T13:00:00.000Z", None, None, Window("from 2026-99-12T13:00:00.000Z", "")),
    ("2026-01-12T13:00:00.000Z", None, "Europe/London", Window("from Mon 2026-01-12 13:00 GMT", "")),
    ("2026-01-12T13:00:00.000Z", None, "Mars/Base", Window("from Mon 2026-01-12 13:00 UTC", "")),
    ("2026-01-12T13:00:00.000Z", None, "../../etc/passwd", Window("from Mon 2026-01-12 13:00 UTC", "")),
    ("0001-01-01T00:00:00.000Z", None, "America/New_York", Window("from Mon 0001-01-01 00:00 UTC", "")),
    (
        "2026-01-12T13:00:00.000Z",
        None,
        "America/Sao_Paulo",
        Window("from Mon 2026-01-12 10:00 UTC-3", "13:00 UTC"),
    ),
    (
        "2026-11-01T04:00:00.000Z",
        "2026-11-02T04:00:00.000Z",
        "America/New_York",
        Window(
            "Sun 2026-11-01 00:00 EDT \N{EN DASH} Sun 2026-11-01 23:00 EST",
            "Sun 2026-11-01 04:00 \N{EN DASH} Mon 2026-11-02 04:00 UTC",
        ),
    ),
]


@pytest.mark.parametrize(("opens", "closes", "timezone", "expected"), WINDOWS)
def test_windows_in_words(opens: Any, closes: Any, timezone: str | None, expected: Window | None) -> None:
    """Local time names its zone, UTC follows where it differs, and what is no instant stays as it is."""
    assert (
        window_of({"configuration": {"examOpenDate": opens, "examCloseDate": closes}}, "exam", timezone)
        == expected
    )


def test_only_instants_are_moments() -> None:
    """A number, a plain date and a title are none."""
    assert [moment_text(value, None) for value in (7, "2026-10-12", "Midterm Exam 1 of the term Z")] == [
        None
    ] * 3


@given(text=ANY_TEXT, columns=st.integers(1, 30))
@example(text="a\u200d", columns=5)
@example(text="\u200da", columns=5)
def test_kept_text_fits(text: str, columns: int) -> None:
    """Cut text is never wider than asked for, and padded text exactly as wide."""
    shown = printable(text)
    assert columns_of(keep_left(shown, columns)) <= columns
    assert columns_of(keep_right(shown, columns)) <= columns
    assert columns_of(pad(text, columns)) == columns


def test_nothing_is_kept_in_no_column() -> None:
    """No room, no ellipsis."""
    assert keep_left("abc", 0) == keep_right("abc", 0) == ""


REPORTS = {
    "Nothing to do: no exam is declared.": Report(exams=()),
    "Created 1 exam.": Report(exams=(cases.outcome("a", Outcome.CREATED, number=1),)),
    "stopped early by signal 4242": Report(exams=(), interrupted_by=4242),
    "Progress was not shown completely: internal error": Report(exams=(), fault_in_telling="internal error"),
    "EX00000000000000000000000000000001  a: not recorded": Report(
        exams=(cases.outcome("a", Outcome.IN_DOUBT, number=1, message="not recorded"),)
    ),
}


@pytest.mark.parametrize("words", REPORTS)
def test_report_says_how_it_ended(words: str) -> None:
    """Each end has its words."""
    to = console(width=200)
    print_report(
        REPORTS[words], to, plan=plan_of(), state=State(lineage=cases.LINEAGE, serial=1, exams={}, intents={})
    )
    assert words in written(to)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_last_lines_say_all(*, is_terminal: bool) -> None:
    """Created, changed in state, in doubt since when; then how to list the doubts, and last the exit code.

    Before it, each exam is named that was created or changed in state.
    """
    doubts = {
        Address(f"old-{day:02}"): replace(cases.intent(), started_at=cases.MORNING + timedelta(days=day))
        for day in range(20)
    }
    edits = (Action.IMPORT, Action.MOVE, Action.FORGET, Action.ACCEPT, Action.ACCEPT)
    changes = [cases.change(f"e{number}", action, after={}) for number, action in enumerate(edits)]
    to = console(width=60, is_terminal=is_terminal)
    print_report(
        Report(
            exams=tuple(cases.outcome(f"n{number}", Outcome.CREATED, number=number) for number in range(10))
        ),
        to,
        plan=replace(plan_of(cases.create("n3", "Final Exam"), *changes), destination=cases.DESTINATION),
        state=State(lineage=cases.LINEAGE, serial=1, exams={}, intents=doubts),
        invocation=Invocation(("--env", "production")),
        ending="Exit code 3: exams are in doubt.",
    )
    lines = written(to).splitlines()
    assert [line.split() for line in lines[:5]] == [
        ["adopted", "e0"],
        ["moved", "e1"],
        ["forgot", "e2"],
        ["accepted", "e3"],
        ["accepted", "e4"],
    ]
    assert lines[5] == "created        EX00000000000000000000000000000003  n3  Final Exam"
    sums = (
        "Created 10 exams at https://api.example.edu. In state: adopted 1, moved 1, forgot 1, accepted 2. "
        "20 exams are still in doubt, since 2026-09-01 08:30:15 UTC at the earliest."
    )
    listing = "To list what is in doubt: `reconciler state list --in-doubt --env production`"
    ending = "Exit code 3: exams are in doubt."
    assert " ".join(lines[lines.index("") + 1 :]) == f"{sums} {listing} {ending}"
    assert lines[-1] == ending
    assert (lines[-3:] == [sums, listing, ending]) is not is_terminal


def test_exams_of_a_report_are_in_the_order_of_the_plan() -> None:
    """By time, not as their answers came: the lines, and the reports of those in doubt."""
    names = ("practice", "midterm", "final")
    plan = plan_of(
        *(
            cases.change(
                name, Action.CREATE, after=cases.payload(name, examOpenDate=f"2026-1{month}-01T09:00Z")
            )
            for month, name in enumerate(names)
        )
    )
    for outcome in (Outcome.CREATED, Outcome.IN_DOUBT):
        to = console(width=80, is_terminal=False)
        exams = tuple(cases.outcome(name, outcome, number=1) for name in ("final", "practice", "midterm"))
        state = State(
            lineage=cases.LINEAGE,
            serial=1,
            exams={},
            intents={Address(name): cases.intent() for name in names},
        )
        doubts = in_doubt_reports_of_state(state, Invocation(), lines=plan.changes)
        print_report(Report(exams=exams), to, plan=plan, state=state, doubts=doubts)
        lines = written(to).splitlines()
        assert [line for name in names for line in lines[:3] if f"  {name}  " in line] == lines[:3]
        if outcome is Outcome.IN_DOUBT:
            assert [line.split()[1] for line in lines if line.startswith("  ? ")] == list(names)


def test_the_ways_out_of_a_refusal_are_a_list() -> None:
    """In each form, and in an error; one way alone is a sentence."""
    hint = "If it was renamed, add `moved`.\nIf two are meant, add `distinct`."
    guards = [
        Guard(code="same-exam", message="alike", hint=hint, addresses=()) for hint in (hint, "Mend it.")
    ]
    plan = replace(plan_of(), guards=tuple(guards))
    panel, refused = console(width=80, is_terminal=False), console(width=80, is_terminal=False)
    print_plan(plan, panel, listing=Listing.DIFFERING)
    print_error(PlanRefused(tuple(guards)), refused)
    for text, edge in ((written(panel), "│"), (written(refused), " ")):
        items = [f"{edge} - {remedy}" for remedy in hint.split("\n")]
        assert "\n".join((*items, "")) in text
        assert f"\n{edge} Mend it.\n" in text
    markdown = plan_markdown(plan, listing=Listing.DIFFERING)
    assert "> - If it was renamed, add `moved`.\n> - If two are meant, add `distinct`.\n" in markdown
    assert "> Next: Mend it.\n" in markdown
    page = plan_page(plan, listing=Listing.DIFFERING)
    assert "<ul><li>If it was renamed, add <code>moved</code>.</li><li>If two are meant," in page
    assert "<p>Mend it.</p>" in page


def test_advice_on_doubts_is_no_part_of_the_message_to_copy() -> None:
    """The message is the last of what stands below the heading."""
    to = console(width=80, is_terminal=False)
    doubt = replace(cases.change("a", Action.IN_DOUBT, after=cases.payload()), intent=cases.intent())
    print_plan(plan_of(doubt), to, listing=Listing.DIFFERING)
    advice, message = written(to).split("Only a person can find out.")[1].split("Subject: ")
    assert "other exams go on" in advice
    assert message.split("\n\n")[-2].endswith("was not created and will not be.")


def test_unknown_address_is_refused() -> None:
    """State that does not hold an address says where to look."""
    with pytest.raises(UsageError, match="holds no exam 'x'"):
        print_entry(Address("x"), cases.state(), console())


def test_empty_state_says_so() -> None:
    """No rows, and a count of none."""
    to = console(width=120)
    print_state(State(lineage="l", serial=0, exams={}, intents={}), to)
    assert written(to) == "0 exams, 0 in doubt; serial 0, lineage l\n"


def test_in_doubt_without_answer_is_shown_without() -> None:
    """An intent whose run ended in silence says that no answer came."""
    state = replace(cases.state(), intents={Address("a"): replace(cases.intent(), answer=None)})
    to = console()
    print_entry(Address("a"), state, to)
    assert "answer   none is recorded: the run was cut off, or is still at work" in written(to)
    assert "in doubt" in written(to)


def test_colours_are_there_on_a_terminal_that_has_them() -> None:
    """Creates are green where colours are shown."""
    to = Console(io.StringIO(), width=80, is_terminal=True, has_styles=True)
    print_plan(cases.many_creates(1), to, listing=Listing.ALL)
    assert "\x1b[32m  + \x1b[0m" in written(to)
