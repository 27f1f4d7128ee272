"""Findings in the formats of pipelines: as each format says, and whatever a manifest holds."""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

import output_cases as cases
import pytest
from defusedxml.ElementTree import fromstring
from golden_files import check
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from junit_schemas import JENKINS, SUREFIRE, Schema
from msgspec.structs import replace
from test_outputs_golden import GOLDEN

from reconciler import __version__
from reconciler.explaining.pages import words
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.identities import Address
from reconciler.model.plan import Action
from reconciler.outputs.ci.github import LARGEST_SUMMARY_BYTES, github_commands, github_summary
from reconciler.outputs.ci.gitlab import code_quality_report, terraform_report
from reconciler.outputs.ci.help_texts import Help, help_of
from reconciler.outputs.ci.junit import junit_text
from reconciler.outputs.ci.places import Checkout
from reconciler.outputs.ci.sarif import sarif_document
from reconciler.outputs.json.writers import to_text

# Version 2.1.0-rtm.5, the last before the standard, as the MIT-licensed package @microsoft/jest-sarif has it.
SARIF: Final = Draft4Validator(
    json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
)
CHECKOUT: Final = Checkout(PurePosixPath("/builds/exams"), PurePosixPath("/builds/exams/terms/fall term"))

HOSTILE: Final = st.sampled_from(
    [
        "\n::error::forged",
        "\r::stop-commands::token",
        "%0A::set-output name=a::b",
        "##[set-env name=PATH]/tmp",
        "a,line=1::b",
        "[click](https://evil.example) {0} {{1}}",
        "]]></failure><x/>&amp;<!-- --> \x00\ufffe\ud800",
        "```` @everyone <img src=x onerror=alert(1)> |",
        "\u2028\u202e\x85\x1b[31m",
    ]
)
TEXT: Final = st.lists(st.text(st.characters(codec=None), max_size=20) | HOSTILE, max_size=3).map("".join)


def finding(message: str = "it is wrong", **fields: Any) -> Diagnostic:
    """An error on line 14."""
    return replace(cases.diagnostic("", 5, 19, hint="mend it"), **{"message": message, **fields})


@st.composite
def findings(draw: st.DrawFn) -> list[Diagnostic]:
    """Findings whose every text may be hostile."""
    found = []
    for _ in range(draw(st.integers(0, 4))):
        file, line = draw(TEXT), draw(st.integers(1, 99))
        found.append(
            Diagnostic(
                severity=draw(st.sampled_from(Severity)),
                code=draw(TEXT),
                message=draw(TEXT),
                hint=draw(TEXT),
                span=draw(st.sampled_from([None, Span(Position(file or "a", line, 3), line + 1, 9)])),
                address=draw(st.sampled_from([None, Address("cs101/final")])),
            )
        )
    return found


def loaded(found: list[Diagnostic], *files: str) -> Loaded:
    """What reading `files`, each with one exam, gave."""
    exams = tuple(
        Declaration(
            address=Address(f"cs101/{number}"),
            install_sid=cases.INSTALL,
            course_sid=cases.COURSE,
            payload={},
            digest=cases.create().digest,
            secrets=(),
            declared_at=Position(file, 3, 1),
        )
        for number, file in enumerate(files)
    )
    return Loaded(declared=Declared(exams=exams), diagnostics=tuple(found))


def many(errors: int, warnings: int) -> list[Diagnostic]:
    """Warnings and errors in turn, as far as there are any."""
    made = [finding(f"error {number}") for number in range(errors)]
    return [
        *(finding(f"warning {number}", severity=Severity.WARNING) for number in range(warnings)),
        *made,
    ]


def commands(text: str) -> list[str]:
    """The lines that a runner takes for commands: `::` first, or an older command anywhere."""
    return [line for line in re.split(r"\r\n|\r|\n", text) if line.lstrip().startswith("::") or "##[" in line]


def test_every_format_is_as_looked_at() -> None:
    """Each stands exactly as in its golden file."""
    found = [*cases.diagnostics(), finding("100% wrong: a, b")]
    check(GOLDEN / "findings.github.txt", github_commands(found, CHECKOUT, has_summary=True))
    check(GOLDEN / "findings.summary.md", github_summary(found, CHECKOUT))
    check(GOLDEN / "findings.gitlab.json", to_text(code_quality_report(found, CHECKOUT)))
    known = {name: Help(sentence=word.sentence) for name, word in words().items()}
    helps = {one.code: help_of(one.code, known) for one in found}
    sarif = to_text(sarif_document(found, CHECKOUT, helps=helps))
    check(GOLDEN / "findings.sarif", sarif.replace(f'"version": "{__version__}"', '"version": "VERSION"'))
    check(GOLDEN / "findings.junit.xml", junit_text(loaded(found, "exams/math.yaml"), CHECKOUT))
    check(GOLDEN / "plan.gitlab-terraform.json", to_text(terraform_report(cases.every_action())))


def test_a_command_is_escaped_as_github_says() -> None:
    """Percent signs and line breaks in both parts; colons and commas in properties as well."""
    odd = finding("50% of\na: b, c", span=Span(Position("a,b:c%.yaml", 2, 3), 2, 7))
    (line, _) = github_commands([odd], CHECKOUT, has_summary=False).splitlines()
    assert line == (
        "::error file=terms/fall term/a%2Cb%3Ac%25.yaml,line=2,col=3,endLine=2,endColumn=7,"
        "title=unknown-field in cs101/midterm-1::50%25 of\\na: b, c%0Amend it"
    )


def test_columns_stand_only_where_github_takes_them() -> None:
    """A finding over several lines has lines alone, and one about no file has neither."""
    spread = finding(span=Span(Position("a.yaml", 2, 3), 4, 1))
    nowhere = finding(span=None)
    first, second, _ = github_commands([spread, nowhere], CHECKOUT, has_summary=False).splitlines()
    assert first.startswith("::error file=terms/fall term/a.yaml,line=2,endLine=4,title=")
    assert second.startswith("::error title=unknown-field in cs101/midterm-1::")


@pytest.mark.parametrize(
    ("errors", "warnings", "told", "ending"),
    [
        (10, 10, 20, "10 errors, 10 warnings."),
        (11, 0, 10, "11 errors; 1 error left out here, as GitHub shows ten of a kind: the job summary"),
        (12, 13, 20, "12 errors, 13 warnings; 2 errors and 3 warnings left out here"),
        (1, 12, 11, "1 error, 12 warnings; 2 warnings left out here"),
    ],
)
def test_ten_of_a_kind_and_the_rest_counted(errors: int, warnings: int, told: int, ending: str) -> None:
    """GitHub would drop what is more without a word, so the last line says how many are left out."""
    found = many(errors, warnings)
    text = github_commands(found, CHECKOUT, has_summary=True)
    assert len(commands(text)) == told
    assert text.splitlines()[-1].startswith(ending)
    summary = github_summary(found, CHECKOUT)
    assert all(f"{one.message} " in summary for one in found)


def test_without_a_summary_the_last_line_says_where_the_rest_is() -> None:
    """The text format lists all."""
    text = github_commands(many(11, 0), CHECKOUT, has_summary=False)
    assert "`reconciler validate` lists them all" in text


def test_nothing_found_is_nothing_told() -> None:
    """No command, no section; the other formats are whole documents that hold no finding."""
    assert github_commands([], CHECKOUT, has_summary=True) == ""
    assert github_summary([], CHECKOUT) == ""
    assert code_quality_report([], CHECKOUT) == []
    log = sarif_document([], CHECKOUT, helps={})
    SARIF.validate(log)
    assert log["runs"][0]["results"] == []
    root = fromstring(junit_text(loaded([], "exams/a.yaml", "exams/b.yaml"), CHECKOUT))
    assert root.attrib["tests"] == "2"
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["valid", "valid"]


@given(findings())
def test_no_text_becomes_a_workflow_command(found: list[Diagnostic]) -> None:
    """Every line that a runner obeys is one of ours, and there are as many as findings."""
    text = github_commands(found, CHECKOUT, has_summary=True)
    obeyed = commands(text)
    assert len(obeyed) == len(found)
    assert all(re.match(r"::(error|warning) (file|title)=[^:]*::", line) for line in obeyed)
    assert "##[" not in text


@given(findings())
def test_nothing_leaves_the_code_block_of_the_summary(found: list[Diagnostic]) -> None:
    """Between the fences stands one line for each finding, and no line ends the block early."""
    summary = github_summary(found, CHECKOUT)
    if not found:
        return
    lines = summary.split("\n")
    fence = lines[2].removesuffix("text")
    assert set(fence) == {"`"}
    assert lines[3 + len(found)] == fence
    inside = lines[3 : 3 + len(found)]
    assert all(fence not in line for line in inside)
    assert len(summary.splitlines()) == len(found) + 4


def test_a_summary_keeps_within_its_size_and_counts_the_rest() -> None:
    """Bytes of UTF-8 are counted, and what does not fit is."""
    found = [finding("\N{CJK UNIFIED IDEOGRAPH-8A66}" * 1000)] * 400
    summary = github_summary(found, CHECKOUT)
    assert len(summary.encode()) < LARGEST_SUMMARY_BYTES + 1000
    shown = summary.count("error[unknown-field]")
    assert f"and {400 - shown} more" in summary


@given(findings())
def test_sarif_is_valid_whatever_is_found(found: list[Diagnostic]) -> None:
    """The official schema takes it, every rule index is right, and no message has a link or a placeholder."""
    log = json.loads(to_text(sarif_document(found, CHECKOUT, helps={})))
    SARIF.validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert "](" not in result["message"]["text"]
        assert not re.search(r"(?<!\{)\{[0-9]+\}(?!\})", result["message"]["text"])
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(file://)?[A-Za-z0-9._~%/-]+", uri)
        assert urlsplit(uri).scheme in {"", "file"}


def test_sarif_names_files_from_the_root_of_the_repository() -> None:
    """Paths are percent-encoded, and the base is the repository; a file elsewhere has its whole URI."""
    inside = finding(span=Span(Position("exams/\u8a66 #1.yaml", 2, 3), 2, 7))
    outside = finding(span=Span(Position("/srv/shared defaults.yaml", 2, 3), 2, 7))
    (run,) = sarif_document([inside, outside], CHECKOUT, helps={})["runs"]
    first, second = (
        result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]
    )
    assert first["uriBaseId"] in run["originalUriBaseIds"]
    assert unquote(first["uri"]) == "terms/fall term/exams/\u8a66 #1.yaml"
    assert " " not in first["uri"]
    assert second == {"uri": "file:///srv/shared%20defaults.yaml"}
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == "file:///builds/exams/"
    assert run["columnKind"] == "unicodeCodePoints"


def test_rules_of_sarif_have_help_and_pages_where_there_are_any() -> None:
    """The help comes from one mapping; a check that only a workspace has is described too."""
    page = Help(sentence="A field is unknown.", markdown="# unknown-field", uri="https://docs.example.edu/x")
    log = sarif_document([finding(code="campus/own-rule")], CHECKOUT, helps={"unknown-field": page})
    SARIF.validate(log)
    own, known = log["runs"][0]["tool"]["driver"]["rules"]
    assert known["help"] == {"text": "A field is unknown.", "markdown": "# unknown-field"}
    assert known["helpUri"] == "https://docs.example.edu/x"
    assert own["id"] == "campus/own-rule"
    assert own["help"]["text"]
    assert "helpUri" not in own
    assert help_of("campus/own-rule", {}).sentence


def fingerprints(found: list[Diagnostic]) -> list[str]:
    """The fingerprints in a Code Quality report."""
    return [issue["fingerprint"] for issue in code_quality_report(found, CHECKOUT)]


def moved(found: Diagnostic, lines: int) -> Diagnostic:
    """`found`, `lines` further down."""
    assert found.span is not None
    start = found.span.start
    return replace(
        found,
        span=Span(
            replace(start, line=start.line + lines), found.span.end_line + lines, found.span.end_column
        ),
    )


def test_fingerprints_stay_when_lines_move() -> None:
    """Neither the finding's own line nor one that its message names is part of it."""
    before = finding("cs101/a is here twice; it is first at exams/a.yaml:12:3, in line 12")
    after = moved(finding("cs101/a is here twice; it is first at exams/a.yaml:19:3, in line 19"), 7)
    assert fingerprints([before]) == fingerprints([after])
    logs = [sarif_document([one], CHECKOUT, helps={})["runs"][0]["results"][0] for one in (before, after)]
    assert logs[0]["partialFingerprints"] == logs[1]["partialFingerprints"]


def test_fingerprints_differ_by_all_else() -> None:
    """Code, file, address and message each make another finding."""
    one = finding()
    others = [
        finding("it is very wrong"),
        finding(code="missing-field"),
        finding(address=Address("cs101/final")),
        finding(span=Span(Position("exams/other.yaml", 14, 5), 14, 19)),
    ]
    assert len(set(fingerprints([one, *others]))) == 5


@given(findings())
def test_no_two_issues_share_a_fingerprint(found: list[Diagnostic]) -> None:
    """GitLab drops an issue whose fingerprint it has seen, so what repeats is counted."""
    twice = fingerprints([*found, *found])
    assert len(set(twice)) == len(twice)


@given(findings())
def test_issues_have_the_documented_fields(found: list[Diagnostic]) -> None:
    """Description, check, fingerprint, severity and a place, which GitLab requires of each."""
    report = json.loads(to_text(code_quality_report(found, CHECKOUT)))
    assert len(report) == len(found)
    for issue in report:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert re.fullmatch("[0-9a-f]{64}", issue["fingerprint"])
        assert issue["location"]["lines"]["begin"] >= 1
        assert issue["location"]["path"]


def test_paths_of_issues_begin_at_the_repository() -> None:
    """The merge request shows an issue beside its line only if the path is that of the repository."""
    (issue, about_no_file) = code_quality_report([finding(), finding(span=None)], CHECKOUT)
    assert issue["location"] == {
        "path": "terms/fall term/exams/cs101.yaml",
        "lines": {"begin": 14, "end": 14},
    }
    assert about_no_file["location"]["path"] == "terms/fall term/reconciler.yaml"


def cases_of(root: Element) -> list[Element]:
    """The test cases of a JUnit document."""
    return list(root.iter("testcase"))


@given(findings())
def test_junit_is_xml_whatever_is_found(found: list[Diagnostic]) -> None:
    """A parser that refuses entities reads it, and its counts are those of its cases."""
    text = junit_text(loaded(found, "exams/math.yaml"), CHECKOUT)
    assert "<!" not in text.replace("&lt;!", "")
    root = fromstring(text.encode("utf-8"))
    assert len(cases_of(root)) == int(root.attrib["tests"]) >= len(found)
    failed = [case for case in cases_of(root) if case.find("failure") is not None]
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert len(failed) == int(root.attrib["failures"]) == len(errors)
    skipped = [case for case in cases_of(root) if case.find("skipped") is not None]
    assert len(skipped) == int(root.attrib["skipped"]) == len(found) - len(errors)
    for schema in (JENKINS, SUREFIRE):
        schema.check(root)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (JENKINS, '<testsuites skipped="1"/>'),
        (JENKINS, '<testsuite name="a" tests="1" failures="0" errors="0"><testcase/></testsuite>'),
        (SUREFIRE, "<testsuites/>"),
        (SUREFIRE, '<testsuite name="a" tests="1" failures="0" errors="0"/>'),
    ],
)
def test_the_schemas_of_junit_refuse_what_they_do_not_allow(schema: Schema, text: str) -> None:
    """Skips counted on `testsuites`, a nameless case, several suites, a suite that does not count skips."""
    with pytest.raises(AssertionError):
        schema.check(fromstring(text))


def test_junit_drops_what_xml_cannot_hold() -> None:
    """Noncharacters are not allowed even as references."""
    text = junit_text(loaded([finding("a\ufffeb\uffffc")]), CHECKOUT)
    assert cases_of(fromstring(text))[0].find("failure").attrib["message"] == "abc"  # type: ignore[union-attr]


def test_junit_numbers_what_repeats() -> None:
    """By class and name a pipeline tells which failures are new."""
    root = fromstring(junit_text(loaded([finding(), moved(finding(), 3)]), CHECKOUT))
    names = [case.attrib["name"] for case in cases_of(root)]
    assert names == [
        "unknown-field in cs101/midterm-1: it is wrong",
        "unknown-field in cs101/midterm-1: it is wrong (2)",
    ]


def test_the_widget_counts_what_apply_would_do_at_the_service() -> None:
    """Apply never updates or deletes, however many exams are changed or orphaned."""
    plan = cases.every_action()
    assert plan.count(Action.CHANGED)
    assert plan.count(Action.ORPHANED)
    assert terraform_report(plan) == {"create": 1, "update": 0, "delete": 0}
    assert terraform_report(cases.many_creates(3))["create"] == 3
