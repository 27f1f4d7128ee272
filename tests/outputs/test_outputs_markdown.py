"""A plan as Markdown: nothing in it does more than be read, and it always fits."""

import re
from collections.abc import Iterator, Mapping

import output_cases as cases
import page_cases
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from rendered_markdown import OUR_HTML, cell_of, tables_of, texts_of, tokens_of

from reconciler.model.identities import Address
from reconciler.model.plan import Action, FieldDiff, Plan
from reconciler.model.provenance import NO_PROVENANCE, Layer, Provenance, ValueSource
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_values import values_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.markdown.comment import marker, plan_markdown
from reconciler.outputs.markdown.escapes import code, escaped, fenced, table, ticked

LIMIT = 65_536
PRODUCTION = Invocation(("--env", "production"))
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
BITS = [
    "@",
    "#",
    "`",
    "|",
    "\\",
    "[",
    "](",
    "http://",
    "www.",
    "a.b",
    ":tada:",
    "<b>",
    "-->",
    "&lt;",
    "\n",
    "~~",
]
NASTY_TEXT = st.lists(st.sampled_from([*BITS, "x", " ", "1", "*", "_", "$", "!"]), max_size=20).map("".join)


def markdown(
    plan: Plan,
    environment: str | None = "production",
    provenance: Mapping[Address, Provenance] = NO_PROVENANCE,
) -> str:
    """`plan` as Markdown."""
    return plan_markdown(
        cases.in_environment(plan, environment),
        listing=Listing.DIFFERING,
        invocation=PRODUCTION,
        provenance=provenance,
    )


def triggers(text: str) -> Iterator[str]:
    """What a host would take for a mention, a reference, an emoji or a link."""
    yield from re.findall(
        r"@\w[\w/-]*|(?<!\w)[#!$%~](?!CAUTION|NOTE)\w+|(?<!\w)&\d+|:(?!\d\d:)[\w+-]+:|GH-\d+|https?://\S+|www\.\S+",
        text,
    )


@pytest.mark.parametrize("title", page_cases.HOSTILE)
def test_a_hostile_title_is_only_text_in_its_cell(title: str) -> None:
    """Whatever a title holds, its table has its cells, and no token but text is made of it."""
    document = "\n".join(table(["a", "b"], [[escaped(title), "x"]]))
    assert tables_of(document) == [[2, 2]]
    kinds = {token.type for token in tokens_of(document) if token.nesting == 0}
    assert kinds <= {"inline", "text"}
    assert not [found for text in texts_of(document) for found in triggers(text)]


@given(text=ANY_TEXT | NASTY_TEXT)
def test_escaped_text_reads_the_same(text: str) -> None:
    """A reader sees what is printable of the text, with nothing lost but invisible breaks, and no markup."""
    document = "\n".join(table(["a"], [["^" + escaped(text) + "$"]]))
    seen = cell_of(document).replace("\u200b", "")
    assert seen == f"^{printable(text)}$"
    assert {token.type for token in tokens_of(document) if token.nesting == 0} <= {"inline", "text"}


@given(text=ANY_TEXT | NASTY_TEXT)
def test_code_is_one_cell_and_never_markup(text: str) -> None:
    """Text given as code is code or text, whatever it holds."""
    document = "\n".join(table(["a"], [[f"^{code(text)}$"]]))
    assert tables_of(document) == [[1, 1]]
    assert {token.type for token in tokens_of(document) if token.nesting == 0} <= {
        "inline",
        "text",
        "code_inline",
    }


@given(text=ANY_TEXT | NASTY_TEXT)
def test_ticks_make_code_and_nothing_else(text: str) -> None:
    """What stands between backticks may become code; nothing becomes any other markup."""
    document = "\n".join(table(["a"], [[f"^{ticked(text)}$"]]))
    assert tables_of(document) == [[1, 1]]
    assert {token.type for token in tokens_of(document) if token.nesting == 0} <= {
        "inline",
        "text",
        "code_inline",
    }
    assert ticked("run `a --b 8`, @all") == "run `a --b 8`, &#64;&#8203;all"


@example(lines=["```", "a", "`````", "b"])
@given(lines=st.lists(ANY_TEXT | st.text("`~ \n", max_size=12), max_size=5))
def test_no_line_ends_its_fence(lines: list[str]) -> None:
    """A block of code holds every one of its lines."""
    parsed = tokens_of("\n".join(fenced(lines, "text")))
    assert [token.type for token in parsed] == ["fence"]


def test_a_hostile_plan_is_rendered_as_our_own_words() -> None:
    """A whole plan of hostile texts has no link, image or emphasis of theirs, and no HTML but ours."""
    text = markdown(page_cases.hostile(10))
    tokens = tokens_of(text)
    assert not {token.type for token in tokens} & {"link_open", "image", "s_open", "em_open", "hr"}
    html = [token.content.strip() for token in tokens if token.type in {"html_inline", "html_block"}]
    assert {tag for one in html for tag in re.findall(r"<[^>]*>", one)} - OUR_HTML == {
        marker(cases.in_environment(page_cases.hostile(10), "production"))
    }
    assert not [found for one in texts_of(text) for found in triggers(one)]


@pytest.mark.parametrize("exams", [1, 5, 24, 200, 5000])
def test_hostile_plans_keep_their_tables_and_the_limit(exams: int) -> None:
    """At any size every row has its table's number of cells, in characters and bytes that fit a comment."""
    text = markdown(page_cases.hostile(exams))
    assert len(text) <= len(text.encode()) <= LIMIT
    assert tables_of(text)
    assert all(len(set(rows)) == 1 for rows in tables_of(text))
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("make", [cases.many_creates, page_cases.term])
@pytest.mark.parametrize("exams", [60, 150, 300, 1000, 5000])
def test_long_plans_fit_and_say_what_they_leave_out(make, exams: int) -> None:
    """A plan too long for a comment is cut, and rows shown and rows left out add up to all there are."""
    plan = cases.in_environment(make(exams), "production")
    text = markdown(plan)
    assert len(text.encode()) <= LIMIT
    shown = len(re.findall(r"<br>`c\w+/[\w-]+`", text))
    left = re.findall(r"([\d,]+) of [\d,]+ exams (?:to create|changed)", text)
    assert shown + sum(int(number.replace(",", "")) for number in left) == len(plan.changes)
    folds = len(re.findall(r"<details><summary><code>c\w+/", text))
    told = re.search(r"the list of all values for ([\d,]+) of ([\d,]+) new exams", text)
    assert told is not None
    assert int(told[1].replace(",", "")) + folds == int(told[2].replace(",", "")) == plan.count(Action.CREATE)
    assert plan.fingerprint in text.splitlines()[0]
    assert plan.fingerprint in text.splitlines()[-1]


@pytest.mark.parametrize("exams", [1, 10, 11, 42])
def test_every_value_of_every_create_is_in_a_fold(exams: int) -> None:
    """Each exam has one with all its fields; values of other layers are marked; nothing is left out."""
    plan = cases.many_creates(exams)
    defaults = ValueSource(layer=Layer.DEFAULTS, position=None)
    lab = ValueSource(layer=Layer.PROFILE, name="lab_@1", position=None)
    sources: Provenance = {"configuration.duration": defaults, "url": lab}
    text = markdown(plan, provenance={change.address: sources for change in plan.changes})
    assert "Left out" not in text
    assert ("Every value of" in text) == (exams > 10)
    for change in plan.changes:
        fold = text.split(f"<code>{escaped(change.address)}</code>", 1)[1].split("</details>", 1)[0]
        for value in values_of(change, plan.names, {}):
            assert f"| `{value.name}` | {escaped(value.text)} |" in fold
        assert "| `duration` | 90 | defaults |" in fold
        assert f"| profile {escaped('lab_@1')} |" in fold
        assert "| `type` | Online |  |" in fold


def test_folds_fill_what_room_there_is() -> None:
    """Of too many exams the first have their fold; provenance is asked for no more than one beyond them."""
    plan, asked = cases.many_creates(100), list[str]()

    class Slow(dict[Address, Provenance]):
        def get(self, address: Address, default: object = None) -> object:  # type: ignore[override]
            asked.append(address)
            return default

    text = markdown(plan, provenance=Slow())
    assert 62_000 < len(text.encode()) <= 65_000
    assert len(asked) == text.count("<details><summary><code>") + 1


def test_what_is_wrong_comes_before_what_is_new() -> None:
    """Headline, guards, warnings, doubts, changes, orphans, new exams; destination and fingerprint last."""
    plan = replace(cases.every_action(), guards=cases.guarded().guards, warnings=tuple(cases.diagnostics()))
    text = markdown(plan)
    order = [
        "> [!CAUTION]\n> **Apply will refuse this plan for production",
        "> **Refused:** `too-many-creates`",
        "#### 7 warnings",
        "#### 1 exam is in doubt",
        "#### 1 exam differs",
        "#### 1 exam is in state but no longer declared",
        "#### 1 exam will be created",
        "Calendar of the new exams",
        "#### 1 exam exists already",
        "<sub>Service `https://api.example.edu`",
        f"<sub>State `{cases.LINEAGE}`, serial 12",
        "<sub>Fingerprint",
    ]
    places = [text.index(said) for said in order]
    assert places == sorted(places)


def test_warnings_stand_in_the_plan() -> None:
    """A few are a list; many are folded by file; those that do not fit are counted."""
    warnings = tuple(cases.diagnostics()[:2])
    plan = replace(cases.every_action(), warnings=warnings)
    text = markdown(plan)
    assert "#### 2 warnings" in text
    assert (
        "- `unknown-field` at `exams/cs101.yaml:14:5`: 'requireAproval' is not a field of an exam. did you"
        in text
    )
    many = markdown(replace(plan, warnings=tuple(cases.diagnostics())))
    assert f"<code>{escaped('exams/cs101.yaml')}</code>: 6 warnings" in many
    assert "In no file: 1 warning" in many
    long = markdown(replace(plan, warnings=warnings * 1000))
    assert re.search(r"Left out.*[\d,]+ of 2,000 warnings", long)


def test_the_table_says_who_when_how_long_where_and_what_is_special() -> None:
    """A draft for assigned students without a password is seen in its row."""
    body = {**cases.payload(password=None), "status": "draft", "isLimitedScope": True}
    text = markdown(page_cases.plan_of(cases.change("a/b", Action.CREATE, after=body)))
    row = next(line for line in text.splitlines() if "`a/b`" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "`cs101`"
    assert cells[2].startswith("Mon 2026-10-12 09:00 \N{EN DASH} Wed 2026-10-14 17:00 EDT")
    assert cells[3] == "90 min"
    assert cells[4].replace("&#8203;", "") == "Online, canvas, lms.example.edu"
    assert cells[5] == "**draft**, **assigned students only**, **no password**"


def test_courses_and_users_are_named_where_a_name_is_known() -> None:
    """In tables, differences and folds the alias stands, beside the SID where that is what differs."""
    contact = "US" + "a" * 32
    body = {**cases.payload(), "contactUserSid": contact}
    differing = FieldDiff(path="contactUserSid", before="US" + "b" * 32, after=contact)
    plan = page_cases.plan_of(
        replace(cases.changed(), diff=(differing,)),
        cases.change("cs101/quiz", Action.CREATE, after=body),
        cases.change("cs101/old", Action.ORPHANED, before=body, number=3),
    )
    text = markdown(replace(plan, names={contact: "j_doe"}))
    named = f"{escaped('j_doe')} ({contact})"
    assert f"| `contactUserSid` | &#34;US{'b' * 32}&#34; | {named} |".replace("&#34;", '"') in text
    assert f"| `contactUserSid` | {named} |" in text
    assert "| `cs101` | `cs101/old` |" in text
    assert cases.COURSE not in text.split("#### 1 exam will be created")[0]


def test_hints_with_a_block_to_paste_are_whole() -> None:
    """A guard's hint is not cut in the middle of the YAML that it tells one to paste."""
    entries = ", ".join(f"{{from: cs101/old-{number}, to: cs101/new-{number}}}" for number in range(25))
    guard = replace(cases.guarded().guards[0], hint=f"Add `moved: [{entries}]`.")
    assert escaped("cs101/new-24}]") in markdown(replace(cases.every_action(), guards=(guard,)))


def test_many_long_differences_are_counted() -> None:
    """Changes of long values are shortened first, then counted."""
    differences = tuple(FieldDiff(path=f"f{n}", before="a" * 5000, after="b" * 5000) for n in range(40))
    changed = [
        replace(cases.changed(), address=f"cs101/final-{number:03}", diff=differences) for number in range(80)
    ]
    text = markdown(page_cases.plan_of(*changed))
    assert len(text.encode()) <= LIMIT
    assert "more fields" in text
    assert "of 80 exams changed" in text


def test_many_doubts_keep_the_first_in_doubt_reports_whole() -> None:
    """Of many exams in doubt the first are told in full, and the command for the others is given."""
    doubts = [
        replace(cases.change(f"cs1/q{number:04}", Action.IN_DOUBT), intent=cases.intent())
        for number in range(900)
    ]
    text = markdown(page_cases.plan_of(*doubts))
    assert len(text.encode()) <= LIMIT
    assert 1 <= text.count("If it is there, and if it is not:") <= 10
    assert text.count("Subject: ") == text.count("Subject: Were these 900 exams created?") == 1
    assert "reconciler resolve --from doubts.csv --env production" in text
    assert "`reconciler state show ADDRESS --env production`" in text
    assert "in-doubt reports" in text


def test_texts_that_nothing_shortens_still_fit() -> None:
    """Where even the shortest sections are too long, the verdict, the counts and the fingerprint are left."""
    long = Invocation(("--state", "file:" + "x" * 70_000))
    text = plan_markdown(cases.every_action(), listing=Listing.DIFFERING, invocation=long)
    assert len(text.encode()) <= LIMIT
    assert "- 1 exam will be created" in text
    assert "Nothing more fits" in text


@pytest.mark.parametrize("name", ["--> <b>", "a--b", "a b", "\u202e", "é@x", None, "-" * 9])
def test_the_marker_is_one_comment_whatever_the_environment_is_called(name: str | None) -> None:
    """The first line is an HTML comment, and no environment's name ends it or can be taken for another's."""
    first = markdown(cases.every_action(), name).splitlines()[0]
    assert re.fullmatch(
        r"<!-- reconciler:plan environment=[\w.%~-]* fingerprint=sha256:[0-9a-f]{64} -->", first
    )
    assert "--" not in first[4:-3]
    assert [token.type for token in tokens_of(first)] == ["html_block"]


def test_environments_have_markers_of_their_own() -> None:
    """Names that differ only in what is encoded give markers that differ."""
    names = ["a--b", "a-%2Db", "a b", "a%20b", "a", None]
    assert len({marker(cases.in_environment(cases.every_action(), name)) for name in names}) == len(names)


def test_what_a_reviewer_needs_stands_there() -> None:
    """Each exam's facts, differences, in-doubt reports, orphans and guards are all told."""
    text = markdown(page_cases.small())
    for said in (
        "**Apply will create 2 exams in 1 course in production, from 21 Sep to 25 Sep 2031.**",
        "Midterm Exam 1",
        "`cs101`",
        "Sun 2031-09-21 09:00 \N{EN DASH} Tue 2031-09-23 09:00 EDT",
        "60 min",
        "Online, canvas, lms.&#8203;example.&#8203;edu",
        "| `useProctorManager` | true |",
        "| `configuration.duration` | 60 | 90 |",
        "reconciler resolve cs310/exam-0004 --absent --env production",
        "Makeup Exam",
        "```mermaid",
    ):
        assert said in text
    assert "> **Refused:** `too-many-creates`" in markdown(cases.guarded())


def test_no_secret_is_shown() -> None:
    """A password that a saved plan holds literally is not repeated."""
    body = cases.payload(password="hunter2-hunter2")
    plan = page_cases.plan_of(cases.change("a/b", Action.CREATE, after=body))
    assert "hunter2" not in markdown(plan)


def test_the_verdict_of_an_empty_plan_is_all_there_is() -> None:
    """A plan without a difference says so, and leaves nothing out."""
    text = markdown(Plan(lineage=cases.LINEAGE, serial=0, changes=()), None)
    assert "**Nothing to do: no exam is declared.**" in text
    assert "Left out" not in text
