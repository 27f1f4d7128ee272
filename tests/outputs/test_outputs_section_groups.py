"""Sections of one exam as a group: nothing that differs is lost, and what is shared is told once."""

import csv
import io
import re
import zlib
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import output_cases as cases
import page_cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from msgspec.structs import replace

from reconciler.model.identities import Address, CourseSid
from reconciler.model.plan import ABSENT, Action, Change, FieldDiff, Plan
from reconciler.model.report import Outcome, Report
from reconciler.outputs.exam_facts import sides_of, windows_of
from reconciler.outputs.exam_values import values_of
from reconciler.outputs.html.page import plan_page
from reconciler.outputs.listing import Listing, Sources
from reconciler.outputs.markdown.comment import LONGEST, plan_markdown
from reconciler.outputs.markdown.escapes import escaped
from reconciler.outputs.markdown.report import report_markdown
from reconciler.outputs.markdown.values import fold_summary
from reconciler.outputs.ordering import by_time
from reconciler.outputs.section_groups import by_term, groups_of
from reconciler.outputs.tables.plan_table import plan_csv
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.plan_text import print_plan
from reconciler.outputs.text.report_text import print_report

KEYS: Final = ("001", "002", "10", "9", "A-1")
ACTIONS: Final = (Action.CREATE, Action.IMPORT, Action.CHANGED, Action.MOVE, Action.NOOP, Action.ACCEPT)
DATES: Final = st.sampled_from([None, *(f"2031-10-{day}T13:00:00.000Z" for day in (11, 12, 30))])
DIFFS: Final = st.lists(
    st.builds(
        FieldDiff,
        path=st.sampled_from(["title", "configuration.duration", "url"]),
        before=st.sampled_from([ABSENT, "one", 1]),
        after=st.sampled_from(["two", 2]),
    ),
    max_size=3,
    unique_by=lambda one: one.path,
)


def one_of(
    names: tuple[str | None, str, str | None],
    texts: tuple[str, str],
    dates: tuple[str | None, str | None],
    action: Action,
    diff: Sequence[FieldDiff],
) -> Change:
    """An exam or section whose values are drawn from few, so that many are shared."""
    (term, exam, section), (title, course) = names, texts
    body = cases.payload(title, examOpenDate=dates[0], examCloseDate=dates[1], duration=len(title))
    if len(course) % 2:
        body = {**body, "description": f"of {course}"}
    address = "/".join(filter(None, (term, exam, section)))
    is_new = action is Action.CREATE
    return replace(
        cases.change(address, action, after=body, number=None if is_new else zlib.crc32(address.encode())),
        term=term,
        section=section,
        course=course,
        course_sid=CourseSid(f"CU{int(course[1:]):032x}"),
        timezone="America/New_York" if course == "c1" else "Europe/Rome",
        diff=tuple(sorted(diff, key=lambda each: each.path))
        if action in {Action.CHANGED, Action.ACCEPT}
        else (),
        moved_from=Address(f"was-{address}") if action is Action.MOVE else None,
    )


EXAMS: Final = st.lists(
    st.builds(
        one_of,
        st.tuples(
            st.sampled_from([None, "2031fa", "2032sp"]),
            st.sampled_from(["exam", "cs/exam"]),
            st.sampled_from([None, *KEYS]),
        ),
        st.tuples(st.sampled_from(["Quiz", "Final Exam", "Lab  Exam"]), st.sampled_from(["c1", "c2", "c20"])),
        st.tuples(DATES, DATES),
        st.sampled_from(ACTIONS),
        DIFFS,
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda one: one.address,
)


def plan_of(changes: Sequence[Change]) -> Plan:
    """A plan of `changes`, sorted as plans are."""
    ordered = tuple(sorted(changes, key=lambda one: one.address))
    return Plan(destination=cases.DESTINATION, lineage=cases.LINEAGE, serial=12, changes=ordered)


def text_of(plan: Plan, *, width: int, listing: Listing, sources: Sources = Sources.MARKED) -> list[str]:
    """The lines of `plan` on a terminal."""
    to = io.StringIO()
    print_plan(plan, Console(to, width=width, is_terminal=True), listing=listing, sources=sources)
    return to.getvalue().splitlines()


def told_by_section(lines: Sequence[str]) -> dict[str, list[str]]:
    """What lines say of each exam by its address: what its group shares, and what is its own."""
    told: dict[str, list[str]] = {}
    shared: list[str] = []
    exam = key = None
    for line in lines:
        head = re.match(r"  [+=~>≈✓] (\S+)(.*)", line)
        section = re.match(rf"    (?:  )?({'|'.join(KEYS)})(?:  (.*))?$", line)
        if head:
            exam, key, shared = head[1], None, [head[2]]
            if not re.search(r"  \d+ sections\b", head[2]):
                told[exam] = shared
        elif exam and section:
            key = f"{exam}/{section[1]}"
            told[key] = [*shared, section[2] or ""]
        elif exam and not line.startswith("    "):
            exam = None
        elif exam:
            (shared if key is None else told[key]).append(line.strip())
    return told


@given(EXAMS)
def test_every_value_of_every_section_can_be_read(changes: list[Change]) -> None:
    """Whatever sections share, each value and difference stands below its exam or section, and no other."""
    plan = plan_of([one for one in changes if one.action is not Action.NOOP])
    told = told_by_section(text_of(plan, width=250, listing=Listing.ALL, sources=Sources.PLACED))
    for change in plan.changes:
        lines = told[change.address]
        assert all(said in " ".join(lines) for said in (change.sid or "", change.moved_from or ""))
        for one in change.diff:
            assert "{}: {} → {}".format(one.path, *sides_of(one, change.timezone)) in lines
        if change.action in {Action.CREATE, Action.IMPORT}:
            found = [line for line in lines if re.match(r"[A-Za-z]+  ", line)]
            values = {value.name: value.text for value in values_of(change, {}, {})}
            values |= {"timezone": change.timezone or "", "declared": str(change.source)}
            read = dict(re.split(r"  +", line, maxsplit=1) for line in found)
            assert {name: text for name, text in read.items() if name in values} == {
                name: text for name, text in values.items() if name != "declared"
            }


def tables(lines: Sequence[str]) -> list[list[list[str]]]:
    """The cells of each table among lines of Markdown, row by row."""
    runs = [list(run) for is_row, run in groupby(lines, key=lambda line: line.startswith("|")) if is_row]
    return [[row.removeprefix("| ").removesuffix(" |").split(" | ") for row in run] for run in runs]


def folds(text: str) -> dict[str, list[list[list[str]]]]:
    """The tables of each innermost fold of a comment, by its summary."""
    inside = r"((?:(?!<details>).)*?)"
    found = re.findall(rf"<details><summary>{inside}</summary>\n{inside}</details>", text, re.DOTALL)
    return {summary: tables(body.splitlines()) for summary, body in found}


@given(EXAMS)
def test_every_value_of_every_section_is_in_a_fold(changes: list[Change]) -> None:
    """In Markdown the fold of an exam has what its sections share, and a row for each section."""
    plan = plan_of(
        [replace(one, action=Action.CREATE, sid=None, moved_from=None, diff=()) for one in changes]
    )
    found = folds(plan_markdown(plan, listing=Listing.ALL))
    for group in groups_of(by_time(plan.changes)):
        shared, *own = found[fold_summary(group, 100)]
        common = {row[0]: row[1] for row in shared}
        sections = {row[0]: dict(zip(own[0][0], row, strict=True)) for table in own for row in table}
        for change in group.members:
            row = sections[f"`{change.section}`"] if len(group.members) > 1 and own else {}
            told = {**common, **{name: cell for name, cell in row.items() if cell}}
            values = {f"`{value.name}`": escaped(value.text) for value in values_of(change, {}, {})}
            assert {name: told[name] for name in told if name in values} == values
            assert told.keys() - values.keys() <= {"Field", "---", "Section"}


@given(EXAMS)
def test_every_window_is_in_the_table_or_in_that_of_the_sections(changes: list[Change]) -> None:
    """What the row of an exam does not tell, because sections differ, stands in the row of each."""
    plan = plan_of([replace(one, action=Action.IMPORT, moved_from=None, diff=()) for one in changes])
    text = plan_markdown(plan, listing=Listing.ALL)
    found, rows = folds(text), [row for table in tables(text.splitlines()) for row in table]
    for group in groups_of(by_time(plan.changes)):
        count = f"<br>{len(group.members)} sections" if len(group.members) > 1 else ""
        (row,) = [
            row
            for row in rows
            if re.search(rf"(^|<br>)`{group.address}`{count}(<br>EX|<br><sub>|<br>`|$)", row[0])
        ]
        head = dict(zip(("Exam", "Course", "When", "How long", "Where", "Special"), row, strict=True))
        own = (
            found[f"{len(group.members)} sections of <code>{escaped(group.address)}</code>"][0]
            if count
            else []
        )
        for change in group.members:
            told = {
                **head,
                **next(
                    (dict(zip(own[0], row, strict=True)) for row in own if row[0] == f"`{change.section}`"),
                    {},
                ),
            }
            windows = dict(windows_of(change.after or {}, change.timezone))
            assert told["When"].split("<br>")[0] == (
                escaped(windows["exam"].local) if "exam" in windows else ""
            )
            assert (change.sid or "") in told.get("SID", head["Exam"])
            assert told["Course"] == f"`{change.course}`"


@given(EXAMS)
def test_every_difference_stands_below_its_exam_or_section(changes: list[Change]) -> None:
    """In Markdown a difference that all sections share is one row, any other is below its section."""
    plan = plan_of(
        [replace(one, action=Action.CHANGED, sid=cases.sid(7), moved_from=None) for one in changes]
    )
    rows = [row for table in tables(plan_markdown(plan, listing=Listing.ALL).splitlines()) for row in table]
    told: dict[str, list[list[str]]] = {}
    exam, key = "", None
    for name, *cells in (row for row in rows if row[0] not in {"Exam", "---"}):
        if head := re.search(r"(?:^|<br>)`([^`]+)`(<br>\d+ sections)", name):
            exam, key = f"{head[1]}/", None
        elif name and (lone := re.search(r"(?:^|<br>)`([^`E][^`]*)`", name)):
            key = f"{exam}{lone[1]}" if lone[1] in KEYS else lone[1]
        told.setdefault(key or exam, []).append(cells)
    for group in groups_of(by_time(plan.changes)):
        shared = told[f"{group.address}/"] if len(group.members) > 1 else []
        for change in group.members:
            found = [cells for cells in (*shared, *told[change.address]) if cells[0]]
            sides = [(f"`{one.path}`", *sides_of(one, change.timezone)) for one in change.diff]
            assert sorted(found) == sorted(
                [path, escaped(before), escaped(after)] for path, before, after in sides
            )


@given(EXAMS)
def test_every_value_of_every_section_is_on_the_page(changes: list[Change]) -> None:
    """Each exam is one row, each section one below it; they have every value, window and difference."""
    plan = plan_of(changes)
    shared, told = "", dict[int, str]()
    for body in plan_page(plan, listing=Listing.ALL).split("<tbody ")[1:]:
        number = re.match(r'data-exam="(\d+)"([^>]*)>', body)
        shared = (shared if " section" in number[2] else "") if number else body
        if number:
            told[int(number[1])] = f"{shared}{body}"
    assert sorted(told) == list(range(len(plan.changes)))
    for at, change in enumerate(by_time(plan.changes)):
        text = told[at]
        for value in values_of(change, {}, {}):
            assert f"<dt>{escape(value.name)}</dt><dd>{escape(value.text)}</dd>" in text
        for one in change.diff:
            before, after = map(escape, sides_of(one, change.timezone))
            assert f"<code>{one.path}</code></td><td><del>{before}</del></td><td><ins>{after}</ins>" in text
        for _, window in windows_of(change.after or {}, change.timezone):
            assert all(f"<span>{part}" in text for part in window.local.split(" \N{EN DASH} "))
        assert all(f"<code>{known}</code>" in text for known in (change.sid, change.moved_from) if known)


@pytest.mark.parametrize(("exams", "sections"), [(1, 2000), (60, 60), (2000, 3)])
def test_many_sections_fit_into_a_comment(exams: int, sections: int) -> None:
    """However many sections have titles that mean harm, the limit holds, and what is left out is told."""
    changes = [
        cases.section(
            str(key),
            cases.create(title=page_cases.HOSTILE[(exam + key) % len(page_cases.HOSTILE)]),
            f"x{exam}",
        )
        for exam in range(exams)
        for key in range(sections)
    ]
    text = plan_markdown(plan_of(changes), listing=Listing.DIFFERING)
    assert len(text.encode()) <= LONGEST
    assert "Left out, because the size of a comment is limited" in text
    assert "what is particular about" in text
    assert "sections of <code>" in text


@given(EXAMS, st.sampled_from([60, 80, 120, 200]))
def test_every_window_of_a_list_can_be_read(changes: list[Change], width: int) -> None:
    """In a brief list, times are whole at any width, and each section has its own or that of its exam."""
    plan = plan_of([replace(one, action=Action.NOOP, sid=cases.sid(at)) for at, one in enumerate(changes)])
    lines = text_of(plan, width=width, listing=Listing.ALL)
    told = told_by_section(lines)
    for change in plan.changes:
        said = " ".join(" ".join(told[change.address]).split())
        windows = [
            window.local for kind, window in windows_of(change.after or {}, change.timezone) if kind == "exam"
        ]
        assert all(window in said for window in windows)
        times = [time for window in windows for time in window.split(" \N{EN DASH} ")]
        assert all(any(time in line for line in lines) for time in times)
        assert (change.sid or "") in said
        assert (change.moved_from or "") in said
    assert max(map(len, lines[:-2])) <= width


@given(EXAMS, st.randoms(use_true_random=False))
def test_sections_are_together_in_any_order(changes: list[Change], random) -> None:
    """Whatever the order was, an exam and action is one group, a term one run, and keys are in order."""
    ordered = by_time(changes)
    random.shuffle(changes)
    assert by_time(changes) == ordered
    groups = [
        group for action in ACTIONS for group in groups_of(one for one in ordered if one.action is action)
    ]
    names = [(group.first.action, group.first.term, group.address) for group in groups]
    assert len({*names}) == len(names) or any(one.section is None for one in changes)
    for group in groups:
        keys = [one.section or "" for one in group.members]
        assert keys == sorted(keys, key=lambda key: re.sub(r"\d+", lambda number: number[0].zfill(9), key))
    terms = [term for term, _ in by_term(groups_of(ordered))]
    assert len({*terms}) == len(terms)


def test_terms_stand_in_the_order_of_their_first_dates() -> None:
    """A term whose name sorts last but that begins first is first; exams of no term are last."""
    opens = {
        "zz": "2031-09-01T13:00:00.000Z",
        "aa": "2032-02-01T13:00:00.000Z",
        None: "2031-01-01T13:00:00.000Z",
    }
    changes = [
        replace(cases.change(f"{term}/x", Action.CREATE, after=cases.payload(examOpenDate=date)), term=term)
        for term, date in opens.items()
    ]
    headings = [heading for heading, _ in by_term(groups_of(by_time(changes)))]
    assert headings == ["Term zz", "Term aa", "Other exams"]
    assert [heading for heading, _ in by_term(groups_of(changes[:1]))] == [""]


def test_a_group_stands_where_its_first_course_is() -> None:
    """Sections of several courses stay together in front of what follows the first of these courses."""
    sections = [cases.section(key, cases.create()) for key in ("002", "001")]
    between = replace(cases.create("x"), course="cs101-001a", term="2032sp")
    assert [one.address for one in by_time([between, *sections])] == [
        "2032sp/cs101/midterm/001",
        "2032sp/cs101/midterm/002",
        "x",
    ]


@pytest.mark.parametrize("count", [5, 30])
def test_what_sections_share_is_told_once(count: int) -> None:
    """Neither in full nor in a list is a shared window or title repeated for each section."""
    plan = cases.many_sections(count)
    finals = plan_of([one for one in plan.changes if one.address.startswith("2032sp/cs101/midterm")])
    text = "\n".join(text_of(finals, width=120, listing=Listing.DIFFERING))
    (window,) = {windows_of(one.after or {}, one.timezone)[0][1].local for one in finals.changes}
    assert text.count(window) == 1
    assert text.count("  cs101-005") == text.count("Midterm, Section 005") == 1


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_list_shows_the_address_of_each_quiz(width: int) -> None:
    """If sections have quizzes of their own; one that all share is not a section's own."""
    changes = [one for one in cases.many_sections(30).changes if "cs101/midterm" in one.address]
    own = [
        replace(one, after={**(one.after or {}), "url": f"https://lms.example.edu/q/{at}"})
        for at, one in enumerate(changes)
    ]
    words = " ".join(text_of(plan_of(own), width=width, listing=Listing.DIFFERING)).split()
    assert all(words.count(str((one.after or {})["url"])) == 1 for one in own)
    text = " ".join(text_of(plan_of(changes), width=width, listing=Listing.DIFFERING))
    assert str((changes[0].after or {})["url"]) not in text
    assert "`--verbose` shows every value of each." in text


def test_a_table_has_the_term_and_the_section() -> None:
    """A spreadsheet can filter by both; a plan without them has no such columns."""
    rows = list(csv.DictReader(io.StringIO(plan_csv(cases.year(), listing=Listing.ALL), newline="")))
    assert {(row["term"], row["section"]) for row in rows} >= {("2031fa", ""), ("2032sp", "010"), ("", "")}
    plain = plan_csv(cases.every_action(), listing=Listing.ALL)
    assert not {"term", "section"} & {*plain.splitlines()[0].split(",")}


ENDINGS: Final = st.lists(
    st.tuples(st.sampled_from(Outcome), st.sampled_from(["no such user", "too long"])),
    min_size=14,
    max_size=14,
)


def ended(changes: Sequence[Change], endings: Sequence[tuple[Outcome, str]]) -> tuple[Plan, Report]:
    """A plan that creates `changes`, and a report of it."""
    plan = plan_of(
        [replace(one, action=Action.CREATE, sid=None, diff=(), moved_from=None) for one in changes]
    )
    exams = zip(plan.changes, endings, range(1, 20), strict=False)
    return plan, Report(
        exams=tuple(
            cases.outcome(one.address, how, number=at if how is Outcome.CREATED else None, message=message)
            for one, (how, message), at in exams
        )
    )


@given(EXAMS, ENDINGS)
def test_a_report_has_the_outcome_of_every_section(
    changes: list[Change], endings: list[tuple[Outcome, str]]
) -> None:
    """As text, each exam has SID, title and message on its line, or on that of its exam if all share it."""
    plan, report = ended(changes, endings)
    to = io.StringIO()
    print_report(report, Console(to, width=80, is_terminal=True), plan=plan, state=cases.state())
    told: dict[tuple[str, str], str] = {}
    label = exam = shared = ""
    for line in to.getvalue().partition("\n\n")[0].splitlines():
        label = line[:15].strip() or label
        sid, name, rest = re.fullmatch(r".{15}(EX\w{32}  )?(\S+?)((?:  |:).*)?", line).groups(default="")
        if " sections" in rest:
            exam, shared = name, rest
        else:
            is_section = line.startswith(" " * 15)
            told[label, f"{exam}/{name}" if is_section else name] = (
                f"{sid}{rest}{shared if is_section else ''}"
            )
    titles = {one.address: (one.after or {})["title"] for one in plan.changes}
    assert len(told) == len(report.exams)
    for one in report.exams:
        text = told[one.outcome.value.replace("-", " "), one.address]
        message = "" if one.outcome is Outcome.CREATED else one.message
        assert all(said in text for said in (one.sid or "", titles[one.address], message))


@given(EXAMS, ENDINGS)
def test_a_report_for_the_pull_request_has_it_too(
    changes: list[Change], endings: list[tuple[Outcome, str]]
) -> None:
    """As Markdown, each exam has a row with its SID, or one below its exam, which has what they share."""
    plan, report = ended(changes, endings)
    text = report_markdown(report, plan=plan, state=cases.state(), doubts={})
    found: dict[tuple[str, str], list[str]] = {}
    for heads, _, *rows in tables(text.splitlines()):
        exam, shared = "", list[str]()
        for name, *cells in rows:
            *_, address, count = (*re.findall(r"`([^`]+)`", name), "sections" in name)
            if count:
                exam, shared = f"{address}/", cells
            elif address in KEYS:
                both = [own or common for own, common in zip(cells, shared, strict=True)]
                found[heads[0], f"{exam}{address}"] = both
            else:
                found[heads[0], address] = cells
    by_address = {one.address: one for one in plan.changes}
    for one in report.exams:
        match one.outcome:
            case Outcome.CREATED:
                assert found["Created", one.address][2] == f"`{one.sid}`"
            case Outcome.IN_DOUBT:
                assert ("In doubt", one.address) in found
            case _:
                assert found["Exam", one.address][1].endswith(one.message)
        if one.outcome is not Outcome.IN_DOUBT:
            rows = found["Created" if one.outcome is Outcome.CREATED else "Exam", one.address]
            assert rows[0] == f"`{by_address[one.address].course}`"
