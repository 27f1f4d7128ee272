"""Drafts of whole tables, compared with files of what a person has looked at; see `golden_files`."""

import io
from pathlib import Path

import pytest
from drafted import drafted, filled
from golden_files import check
from workbooks import finals_workbook

from reconciler.manifest.loader import load
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Severity
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.diagnostics_text import print_diagnostics

GOLDEN = Path(__file__).parent / "golden"
TABLES = ("registrar.csv", "canvas.json", "hostile.csv", "finals.xlsx")


def bytes_of(name):
    """The content of a table; workbooks are made for the test."""
    return finals_workbook() if name == "finals.xlsx" else (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_drafted_as_a_person_would_write_it(name):
    """Manifest and findings are those of the golden files, and the same a second time."""
    text, findings = drafted(bytes_of(name), name)
    assert text == drafted(bytes_of(name), name)[0]
    told = io.StringIO()
    print_diagnostics(findings, Console(told))
    check(GOLDEN / f"{name}.yaml", text)
    check(GOLDEN / f"{name}.txt", told.getvalue())


@pytest.mark.parametrize("name", TABLES)
def test_a_draft_is_valid_once_its_gaps_are_filled(name, tmp_path):
    """No error is left, and no exam is lost."""
    text, _ = drafted(bytes_of(name), name)
    (tmp_path / "exams.yaml").write_text(filled(text))
    loaded = load((), root=tmp_path, environment=Environment())
    assert [each for each in loaded.diagnostics if each.severity is Severity.ERROR] == []
    assert len(loaded.declared.exams) == text.count(f":  # {name}") > 0
