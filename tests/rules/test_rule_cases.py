"""Golden cases: for each rule manifests in which it fires, where they say so, and in which it must not."""

import re
from pathlib import Path

import pytest
from rule_bench import BASE, BUILT_IN, CASES, NOW, PAGES, WITHOUT_PASSWORD, expected, found, loaded

from reconciler.model.diagnostics import Severity
from reconciler.model.rules import Basis
from reconciler.workspace import Workspace

WITHOUT_CASES = {"plugin-failed", "stray-manifest"}
"""One needs a package (test_rule_plugins.py), the other several files (test_manifest_unread_files.py)."""
CODES = sorted(BUILT_IN.keys() - WITHOUT_CASES)
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
CLOCK = {code for code, rule in BUILT_IN.items() if rule.basis is Basis.CLOCK}
each_rule = pytest.mark.parametrize("code", CODES)


def case(code: str, name: str) -> str:
    """The manifest of a case."""
    text = (CASES / code / f"{name}.yaml").read_text(encoding="utf-8")
    return text if text.startswith("version:") else BASE + text


def example(code: str, name: str) -> str:
    """The manifest that a rule's page shows: the one that `fires`, or the one that is mended."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    base = WITHOUT_PASSWORD if "hold no password" in page else BASE
    return base + YAML_BLOCK.findall(page)[0 if name == "fires" else 1]


def turned_on(code: str) -> dict[str, Severity | None]:
    """The severities with which the rule `code` runs."""
    return {code: BUILT_IN[code].severity}


@each_rule
def test_it_fires(tmp_path: Path, code: str) -> None:
    """The rule finds what the case says, on the lines that it says, and no other rule finds anything more."""
    text = case(code, "fires")
    assert code in {expected_code for _, expected_code in expected(text)}
    assert found(tmp_path, text, severities=turned_on(code)) == expected(text)


@each_rule
def test_it_does_not_fire(tmp_path: Path, code: str) -> None:
    """What only resembles the mistake is left alone."""
    assert found(tmp_path, case(code, "quiet"), severities=turned_on(code)) == []


@each_rule
def test_the_example_of_its_page_fires(tmp_path: Path, code: str) -> None:
    """What a page shows as wrong is found, as exactly that."""
    codes = {each for _, each in found(tmp_path, example(code, "fires"), severities=turned_on(code))}
    assert codes == {code}


@each_rule
def test_the_mended_example_of_its_page_does_not(tmp_path: Path, code: str) -> None:
    """What a page advises is right in the eyes of every rule."""
    assert found(tmp_path, example(code, "mended"), severities=turned_on(code)) == []


@each_rule
def test_it_has_the_severity_of_its_page(tmp_path: Path, code: str) -> None:
    """Its severity is that of the page; a rule about time is never an error by default."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    severities = {
        each.severity
        for each in loaded(tmp_path, example(code, "fires"), severities=turned_on(code)).diagnostics
    }
    assert severities == {BUILT_IN[code].severity}
    assert f"\n\nSeverity: `{BUILT_IN[code].severity.value}`\n\n" in page
    assert code not in CLOCK or severities == {Severity.WARNING}


@pytest.mark.parametrize("code", sorted(CLOCK))
def test_without_a_moment_the_clock_is_not_asked(tmp_path: Path, code: str) -> None:
    """Rules about time say nothing where nobody says which time it is."""
    assert found(tmp_path, case(code, "fires"), now=None) == []


def test_every_rule_has_its_cases() -> None:
    """A rule without a case, or a case without a rule, is a mistake of ours."""
    assert {folder.name for folder in CASES.iterdir()} == set(CODES)
    assert {file.name for file in CASES.glob("*/*")} == {"fires.yaml", "quiet.yaml"}


def test_every_finding_says_what_next(tmp_path: Path) -> None:
    """Messages and hints are sentences for people: no Python values, nothing empty."""
    for code in CODES:
        for each in loaded(tmp_path, case(code, "fires"), severities=turned_on(code)).diagnostics:
            assert each.message
            assert each.hint.endswith((".", "?")), each.hint
            assert not re.search(r"\b(?:True|False|None)\b", each.message + each.hint)
            assert len(each.message) <= 200


@pytest.mark.parametrize(
    ("folder", "paths"), [(".", ["exams.yaml"]), ("two-environments", []), ("gitops", [])]
)
def test_the_examples_have_no_findings(folder: str, paths: list[str]) -> None:
    """What people copy from is right in the eyes of every rule, before its term as long before it."""
    root = PAGES.parents[1] / "examples" / folder
    for now in (NOW.replace(year=2026), NOW.replace(month=8)):
        loaded = Workspace.open(root=root, paths=paths).validate(now=now)
        assert loaded.declared.exams
        assert loaded.diagnostics == ()
