"""Ignores of single lines, weights of a workspace, and where a finding stands."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_bench import BASE, CASES, WITHOUT_PASSWORD, found, loaded, settings_of, weights

from reconciler.manifest.loader import load
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Severity

EXAM = "exams:\n  a/x:\n    title: X\n    url: https://lms.example.edu/x\n"
LINE = BASE.count("\n") + EXAM.count("\n") + 1
DATES = "examOpenDate: 2031-10-05T09:00\n      examCloseDate: 2031-10-06T09:00\n"
STATUS = "    status: deleted"


@pytest.mark.parametrize(
    "lines",
    [
        f"{STATUS} # reconciler: ignore[status-deleted] hidden on purpose",
        f"{STATUS} #reconciler:ignore[ status-deleted ]: hidden on purpose",
        f"{STATUS}\t# Reconciler: IGNORE[status-deleted] hidden on purpose",
        f"    # reconciler: ignore[status-deleted] hidden on purpose\n{STATUS}",
        f"# reconciler: ignore[status-deleted] hidden on purpose\n# and another comment\n{STATUS}",
        '    "status": "deleted"  # reconciler: ignore[status-deleted] hidden on purpose',
        "    status:\n      deleted # reconciler: ignore[status-deleted] hidden on purpose",
        "    status:\n      # reconciler: ignore[status-deleted] hidden on purpose\n      deleted",
    ],
)
def test_an_ignore_silences_its_line(tmp_path: Path, lines: str) -> None:
    """On the line of the finding, or alone above it, an ignore with a reason silences the rule."""
    codes = {code for _, code in found(tmp_path, f"{BASE}{EXAM}{lines}\n")}
    assert "status-deleted" not in codes
    assert "unused-ignore" not in codes


@pytest.mark.parametrize(
    "lines",
    [
        "    description: '# reconciler: ignore[status-deleted] in quotes'\n" + STATUS,
        "    description: |\n      # reconciler: ignore[status-deleted] in a block\n" + STATUS,
        "    description: a#reconciler:ignore[status-deleted] in a plain text\n" + STATUS,
        "    # see: # reconciler: ignore[status-deleted] about ignores\n" + STATUS,
        "    # reconciler: ignoring[status-deleted] is another word\n" + STATUS,
    ],
)
def test_what_only_looks_like_an_ignore_is_none(tmp_path: Path, lines: str) -> None:
    """Text that happens to hold the words silences nothing and is not complained about."""
    assert [code for _, code in found(tmp_path, f"{BASE}{EXAM}{lines}\n")] == ["status-deleted"]


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("ignore[status-deleted]", ["ignore-without-reason"]),
        ("ignore[status-deleted] - !", ["ignore-without-reason"]),
        ("ignore[status-deletd] why not", ["status-deleted", "unknown-rule"]),
        ("ignore[unknown-field] why not", ["status-deleted", "unknown-rule"]),
        ("ignore[unused-ignore] why not", ["status-deleted", "unknown-rule"]),
        ("ignore[acme/rule] why not", ["status-deleted", "unknown-rule"]),
        ("ignore status-deleted why not", ["bad-ignore", "status-deleted"]),
        ("ignore[] why not", ["bad-ignore", "status-deleted"]),
        ("ignore[status-deleted, overlapping-windows] why not", ["unused-ignore"]),
        ("ignore[status-deleted, same-title] why not", ["retired-rule"]),
        ("ignore[status-deleted, looks-renamed] why not", ["retired-rule"]),
        ("ignore[status-deleted, same-exam] why not", ["unknown-rule"]),
    ],
)
def test_a_wrong_ignore_is_reported_at_its_place(tmp_path: Path, comment: str, codes: list[str]) -> None:
    """An ignore without a reason, of an unknown rule, or of none is an error; one too many is a warning."""
    diagnostics = loaded(tmp_path, f"{BASE}{EXAM}{STATUS} # reconciler: {comment}\n").diagnostics
    assert sorted(each.code for each in diagnostics) == codes
    for each in diagnostics:
        assert each.span is not None
        assert each.span.start.line == LINE
        if each.code not in {"status-deleted", "unused-ignore", "retired-rule"}:
            assert each.severity is Severity.ERROR
            assert each.span.start.column > len(STATUS)


def test_an_unknown_rule_gets_the_nearest(tmp_path: Path) -> None:
    """A typing mistake in an ignore is answered with the name that was meant."""
    (_, wrong) = loaded(tmp_path, f"{BASE}{EXAM}{STATUS} # reconciler: ignore[status-deletd] x\n").diagnostics
    assert wrong.hint == "did you mean 'status-deleted'?"


def test_an_error_of_a_rule_can_be_ignored_and_a_mistake_cannot(tmp_path: Path) -> None:
    """Whether a finding can be ignored depends on whether it is a rule's, not on its weight."""
    ignored = f"{STATUS} # reconciler: ignore[status-deleted] so it is\n"
    rules = weights(status_deleted=Severity.ERROR)
    assert found(tmp_path, BASE + EXAM + ignored, severities=rules) == []
    mistake = "    more: x # reconciler: ignore[status-deleted, title-spaces] so it is\n"
    assert [code for _, code in found(tmp_path, BASE + EXAM + mistake)] == ["unknown-field"]


@pytest.mark.parametrize("code", ["same-exam", "same-title"])
def test_two_exams_that_look_like_one_cannot_be_ignored(tmp_path: Path, code: str) -> None:
    """An ignore changes nothing and none is offered: `distinct` or `imports` settle it."""
    ignored = f"    title: X # reconciler: ignore[{code}] it is meant\n"
    twins = EXAM.replace("    title: X\n", ignored) + EXAM.replace("exams:\n", "").replace("a/x", "a/y")
    diagnostics = loaded(tmp_path, BASE + twins).diagnostics
    errors = [each for each in diagnostics if each.code == "same-exam"]
    assert {each.severity for each in errors} == {Severity.ERROR}
    assert len(errors) == 2
    assert all("distinct: [{exam: a/x, from: a/y}]" in each.hint for each in errors)  # to be said once only
    assert not any("ignore" in each.hint for each in errors)
    settled = f"{BASE}{twins}distinct: [{{exam: a/x, from: a/y, reason: two rooms}}]\n"
    codes = [each.code for each in loaded(tmp_path, settled).diagnostics]
    assert codes == ["retired-rule" if code == "same-title" else "unknown-rule"]


def test_an_ignore_in_the_defaults_is_about_all_exams(tmp_path: Path) -> None:
    """A value that exams share is reported once, where it is written, and ignored there."""
    exams = "exams:\n" + "".join(
        f"  a/{name}: {{title: {name}, url: 'https://lms/{name}'}}\n" for name in "xyz"
    )
    shared = BASE.replace("{password:", "{permittedNotesInformation: Any., password:")
    line = shared[: shared.index("permittedNotes")].count("\n") + 1
    assert found(tmp_path, shared + exams) == [(line, "information-not-permitted")]
    ignored = shared.replace(
        "EXAM_SECRET_X}}", "EXAM_SECRET_X}} # reconciler: ignore[information-not-permitted] ok"
    )
    assert found(tmp_path, ignored + exams) == []


def test_several_rules_are_silenced_on_the_address(tmp_path: Path) -> None:
    """A finding about an exam as a whole stands at its address, and so does its ignore."""
    text = WITHOUT_PASSWORD + EXAM.replace("a/x:", "a/x: # reconciler: ignore[no-password] open book")
    assert found(tmp_path, text) == []


def test_unused_ignores_are_reported_only_where_that_is_certain(tmp_path: Path) -> None:
    """With some manifests only, the rule off, or beside a mistake, nobody is told to remove an ignore."""
    unused = BASE + EXAM.replace("title: X", "title: X # reconciler: ignore[near-identical] like the other")
    assert [code for _, code in found(tmp_path, unused)] == ["unused-ignore"]
    assert found(tmp_path, unused, is_partial=True) == []
    assert found(tmp_path, unused, severities=weights(near_identical=None)) == []
    assert found(tmp_path, unused, severities=weights(unused_ignore=None)) == []
    assert [code for _, code in found(tmp_path, unused + "    more: 1\n")] == ["unknown-field"]


def test_a_rule_that_is_off_is_off_everywhere(tmp_path: Path) -> None:
    """Weights hold for what is found while reading as for what is found afterwards."""
    for code in ("inline-secret", "window-order", "unused-ignore"):
        text = BASE + (CASES / code / "fires.yaml").read_text(encoding="utf-8")
        assert found(tmp_path, text, severities={code: None}) == []
        severities = {
            each.severity for each in loaded(tmp_path, text, severities={code: Severity.ERROR}).diagnostics
        }
        assert severities == {Severity.ERROR}


def test_one_title_is_compared_across_files(tmp_path: Path) -> None:
    """Rules that compare exams see all files; each finding stands in its own."""
    (tmp_path / "one.yaml").write_text(BASE + EXAM, encoding="utf-8")
    other = EXAM.replace("a/x", "b/x").replace("edu/x", "edu/y")
    (tmp_path / "two.yaml").write_text(BASE + other, encoding="utf-8")
    result = load(["*.yaml"], root=tmp_path, environment=Environment(), rules=settings_of())
    places = [(each.code, str(each.span.start)) for each in result.diagnostics if each.span]
    line = BASE.count("\n") + 3
    assert places == [("same-exam", f"one.yaml:{line}:12"), ("same-exam", f"two.yaml:{line}:12")]


def test_a_finding_never_quotes_a_secret(tmp_path: Path) -> None:
    """What a rule quotes is masked where it repeats a password that the file writes out."""
    text = (
        BASE
        + EXAM
        + f"    configuration:\n      password: live-1234\n      {DATES}"
        + "      proctorTypes: [live-1234]\n"
    )
    for each in loaded(tmp_path, text).diagnostics:
        assert "live-1234" not in f"{each.message} {each.hint} {each.excerpt}"
    assert "short-notice" in {each.code for each in loaded(tmp_path, text).diagnostics}


def test_what_a_message_quotes_is_short(tmp_path: Path) -> None:
    """A value of any length makes a message of one line."""
    long = "live" + " very" * 10_000
    text = (
        f"{BASE}{EXAM}    configuration:\n      {DATES}      duration: -{'9' * 29}\n"
        f"      proctorTypes: [{long}]\n  a/y:\n    title: ({'practice' * 10_000})\n    url: https://lms/y\n"
    )
    diagnostics = loaded(tmp_path, text).diagnostics
    assert {each.code for each in diagnostics} == {"short-notice", "not-positive"}
    assert all(len(each.message) < 200 for each in diagnostics)


def test_warnings_never_hide_an_error(tmp_path: Path) -> None:
    """With more findings than are listed, the rest is counted, and an error is listed before a warning."""
    exams = "".join(
        f"  a/{n}:\n    title: 'T{n} '\n    url: https://lms/{n}\n"
        f"    configuration: {{password: secret-{n}}}\n"
        for n in range(1_200)
    )
    last = "  a/last:\n    title: Last\n    oops: 1\n"
    diagnostics = loaded(tmp_path, f"{BASE}exams:\n{exams}{last}").diagnostics
    assert len(diagnostics) == 1_000
    codes = {each.code for each in diagnostics}
    assert {"unknown-field", "too-many"} <= codes
    (left_out,) = (each for each in diagnostics if each.code == "too-many")
    assert "1,402 more findings than the 999" in left_out.message
    assert left_out.severity is Severity.WARNING
    everything = loaded(tmp_path, f"{BASE}exams:\n{exams}")
    assert len(everything.declared.exams) == 1_200


@given(comment=st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\u2028\u2029")))
def test_no_comment_is_an_accident(tmp_path_factory: pytest.TempPathFactory, comment: str) -> None:
    """Whatever stands behind an ignore, reading goes on and the exam is declared."""
    root = tmp_path_factory.mktemp("comment")
    result = loaded(root, f"{BASE}{EXAM}    # reconciler: ignore{comment}\n{STATUS}\n")
    assert len(result.declared.exams) == 1
