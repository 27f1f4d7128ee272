"""Rules about each exam by itself are asked about a few at a time, and find what they would in all."""

import pytest
from rule_bench import BASE, loaded

from reconciler.manifest.rules import running

EXAMS = "".join(
    f"""\
  cs101/e{number}:
    title: "{" " if number % 2 else ""}Practise {number % 3}"
    url: {"https://lms.example.edu/1" if number % 2 else "N/A"}
    configuration:
      examOpenDate: 2031-10-0{number + 1}T09:00Z
      examCloseDate: 2031-10-0{number + 2}T10:00Z
      duration: {number * 1000}
      attempts: 0
      virtualCalculatorType: basic
"""
    for number in range(7)
)
TEXT = (
    BASE.replace("configuration: {", "configuration: {permittedNotesInformation: as told, ")
    + f"exams:\n{EXAMS}"
)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_findings_do_not_depend_on_the_size_of_parts(tmp_path, monkeypatch, size: int) -> None:
    """All findings are there, of many rules, with all that they say: each exam is asked about once."""
    whole = loaded(tmp_path, TEXT).diagnostics
    assert len({found.code for found in whole}) > 7
    monkeypatch.setattr(running, "_AT_HAND", size)
    assert loaded(tmp_path, TEXT).diagnostics == whole
