"""A plan as HTML: one file, every value escaped, and a policy that allows it nothing else."""

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import output_cases as cases
import page_cases
import pytest
from markupsafe import escape
from msgspec.structs import replace

from reconciler.model.plan import Action, Plan
from reconciler.outputs.exam_values import values_of
from reconciler.outputs.html.page import plan_page
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing

NO_TEXT = {"br", "hr", "img", "input", "link", "meta", "line", "rect"}


def page(plan: Plan, listing: Listing = Listing.DIFFERING) -> str:
    """`plan` as a page."""
    invocation = Invocation(("--env", "production"))
    return plan_page(
        cases.in_environment(plan, "production"),
        listing=listing,
        invocation=invocation,
        provenance=page_cases.provenance(plan),
    )


class Outline(HTMLParser):
    """The elements of a page, and whether each that is opened is closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        """Note an element that begins."""
        self.seen.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        if tag not in NO_TEXT:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        """Note an element that is empty."""
        self.seen.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}

    def handle_endtag(self, tag) -> None:
        """Refuse an element that ends where another is open."""
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        """Note what a reader sees."""
        self.text += data


def outline(text: str) -> Outline:
    """The outline of a page that is well formed."""
    found = Outline()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def test_hostile_texts_are_text() -> None:
    """Every hostile title is read whole, and makes neither an element nor an attribute."""
    plain, harmed = outline(page(page_cases.small())), outline(page(page_cases.hostile(120)))
    assert harmed.seen <= plain.seen | {"section", "ul"}
    assert not [name for name, _ in harmed.attributes if name.startswith("on") or name == "style"]
    for title in ("<img src=x onerror=alert(1)>", '" onload="alert(4)"', "{{ 7 * 7 }}", "&lt;script&gt;"):
        assert title in harmed.text


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No element loads or sends anything, and nothing points out of the page."""
    found = outline(page(page_cases.hostile(120)))
    assert not found.seen & {
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "a",
        "audio",
        "video",
        "use",
    }
    assert not [pair for pair in found.attributes if pair[0] in {"src", "href", "action", "srcset", "data"}]


def test_the_policy_allows_one_style_and_one_script_by_their_hashes() -> None:
    """The hashes in the policy are those of what stands between the tags, and all else is forbidden."""
    text = page(page_cases.small())
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    assert policy.replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_no_control_or_bidi_character_stands_in_a_page() -> None:
    """What could mislead a reader or a terminal is spelt out."""
    text = page(page_cases.hostile(120))
    assert not re.findall(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200f]", text)
    assert "\\u202e" in text


def test_no_secret_is_shown() -> None:
    """A password that a saved plan holds literally is not repeated."""
    body = cases.payload(password="hunter2-hunter2")
    assert "hunter2" not in page(page_cases.plan_of(cases.change("a/b", Action.CREATE, after=body)))


def test_up_to_date_exams_are_listed_where_all_are_asked_for() -> None:
    """As in every other format, exams that are up to date are counted, and listed with --verbose."""
    assert "cs102/final" not in page(cases.every_action())
    assert "cs102/final" in page(cases.every_action(), Listing.ALL)


@pytest.mark.parametrize(
    "make", [cases.every_action, cases.guarded, page_cases.small, lambda: page_cases.term(300, 1)]
)
def test_every_listed_exam_is_on_the_page_once(make) -> None:
    """Each change of a plan has one row, with its address."""
    plan = make()
    listed = Listing.DIFFERING.of(plan)
    rows = re.findall(r'<tbody data-exam="(\d+)"', page(plan))
    assert sorted(map(int, rows)) == list(range(len(listed)))


def test_a_page_says_which_plan_it_is() -> None:
    """Verdict and guards stand at the top; destination, fingerprint and state in full at the foot."""
    plan = cases.in_environment(cases.guarded(), "production")
    text = outline(page(plan)).text
    for said in (
        plan.fingerprint,
        plan.lineage,
        "Apply will refuse this plan",
        "too-many-creates",
        "environment production, service https://api.example.edu, install AI1",
        "state s3://exams-state/production",
    ):
        assert said in text


def test_jinja_is_loaded_for_pages_only() -> None:
    """A plan as text, JSON or Markdown does without the template library."""
    code = (
        "import sys; import reconciler.outputs.json.plan, reconciler.outputs.markdown.comment, "
        "reconciler.outputs.text.plan_text; "
        "sys.exit('jinja2' in sys.modules or 'markupsafe' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_course_is_one_where_only_some_of_its_exams_know_its_alias() -> None:
    """A saved plan has aliases for exams in doubt only; all exams of that course stand below it."""
    plan = page_cases.small()
    changes = [
        change if change.intent is not None else replace(change, course=None) for change in plan.changes
    ]
    names = re.findall(r"<h2>(.*?)</h2>", page(page_cases.plan_of(*changes)))
    assert sorted(names) == sorted(["cs310", page_cases.course_sid("cs101")])


def test_each_row_has_every_value_with_its_layer() -> None:
    """All that is known is told, of changes and orphans too; a value of a layer has its name and place."""
    text = page(page_cases.small())
    for change in page_cases.small().changes:
        row = text[text.index(f"<code>{change.address}</code>") :]
        values = row[
            row.index('<dl class="values">') : row.index("</tbody>", row.index('<dl class="values">'))
        ]
        for value in values_of(change, {}, {}):
            assert f"<dt>{value.name}</dt><dd>{escape(value.text)}</dd>" in values
    first = text[text.index("<code>cs101/exam-0001</code>") :]
    for name, said in {
        "title": "line 15",
        "type": "<b>defaults</b> line 3",
        "useProctorManager": "<b>defaults</b> shared/base.yaml:4",
        "attempts": "<b>profile lab</b> line 7",
        "installSid": "<b>environment production</b> ",
        "url": "",
    }.items():
        assert re.search(f"<dt>{name}</dt><dd>[^<]*</dd><dd>{re.escape(said)}</dd>", first), name


def test_what_is_special_is_a_badge() -> None:
    """A draft, assigned students only and an approval are seen without opening the row."""
    text = page(page_cases.special())
    assert (
        '<span class="tags"><span>draft</span><span>assigned students only</span><span>needs approval</span>'
        in text
    )


def test_warnings_come_before_the_exams_and_the_destination_after() -> None:
    """Headline, guards, warnings, notes, exams; then finished blocks, keys, and the destination."""
    plan = replace(cases.noted(), guards=cases.guarded().guards, warnings=tuple(cases.diagnostics()))
    text = outline(page(plan)).text
    expected = [
        "Apply will refuse this plan",
        "too-many-creates",
        "7 warnings",
        "unknown-field",
        "did you mean 'requireApproval'?",
        "exams/cs101.yaml:14:5",
        "1 note\n",
        "the import of x",
        "cs101/final",
        "27 notes on what is done",
        "password not checked",
        "service https://api.example.edu",
        plan.lineage,
    ]
    places = [text.rindex(said) if said == "cs101/final" else text.index(said) for said in expected]
    assert places == sorted(places)


def test_only_what_the_rule_reports_is_an_overlap() -> None:
    """Overlaps are those of the plan's warnings: no practice, and nothing that a comment suppresses."""
    assert page(page_cases.small()).count('class="clash">overlaps') == 2
    assert 'class="overlap"' in page(page_cases.small())
    suppressed = replace(page_cases.small(), warnings=())
    for plan in (page_cases.special(), suppressed):
        assert 'class="clash"' not in page(plan)
        assert 'class="overlap"' not in page(plan)


def test_an_overlap_with_an_unlisted_exam_is_told() -> None:
    """A saved plan does not list the other exam if that is up to date."""
    plan = page_cases.small()
    kept = tuple(change for change in plan.changes if change.address != "cs101/exam-0001")
    assert "overlaps an exam that is not listed here" in page(replace(plan, changes=kept))


def test_clashes_of_a_cohort_are_told_at_each_exam() -> None:
    """Both exams of a clash name the other; an exam of a day with too many of them says so."""
    plan = page_cases.clashing()
    text = page(plan)
    assert text.count('class="clash">overlaps math120/exam-0002<') == 1
    assert text.count('class="clash">overlaps cs210/exam-0001<') == 1
    assert text.count('class="overlap"') == 2
    (warning,) = plan.warnings
    crowded = page(replace(plan, warnings=(replace(warning, code="exams-in-a-day"),)))
    assert crowded.count('class="clash">too many exams on this day<') == 2
    assert 'class="overlap"' not in crowded
    kept = tuple(change for change in plan.changes if change.course == "cs210")
    assert "overlaps an exam that is not listed here" in page(replace(plan, changes=kept))


def test_a_large_page_tells_shared_values_once() -> None:
    """Of more than a thousand exams the page has each value of each, those of a whole course once."""
    whole, large = (page_cases.term(count, 4) for count in (1000, 1004))
    assert "values that all exams of this course share" not in page(whole)
    text = page(large)
    assert len(text) < len(page(whole)) * 0.8
    assert "This plan is large" in text
    course = text[text.index("<h2>c100</h2>") : text.index("<h2>c101</h2>")]
    shared, *rows = re.findall(r'<dl class="values">(.*?)</dl>', course)
    assert len(rows) == 251
    for change in [change for change in large.changes if change.course == "c100"]:
        row = course[course.index(f"<code>{change.address}</code>") :]
        told = shared + row.partition('<dl class="values">')[2].partition("</dl>")[0]
        for value in values_of(change, {}, {}):
            assert f"<dt>{value.name}</dt><dd>{escape(value.text)}</dd>" in told
