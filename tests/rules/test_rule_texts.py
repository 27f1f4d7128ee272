"""What rules say of what people type: place, message and hint, word for word."""

from pathlib import Path

import pytest
from rule_bench import BASE, loaded

from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.diagnostics import Severity

FIRST = BASE.count("\n") + 2
"""The line of the first exam's address."""
CITY = "Write the zone of your city, such as America/New_York, Europe/Berlin or Asia/Kolkata"


def told(root: Path, text: str) -> list[str]:
    """Each finding in `text`: its line (1 is that of the address), column, code, message and hint."""
    return [
        f"{each.span.start.line - FIRST + 1}:{each.span.start.column} {each.code}: {each.message}. "
        f"{each.hint}"
        for each in loaded(root, f"{BASE}exams:\n{text}").diagnostics
        if each.span
    ]


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("EST", "did you mean 'America/New_York'?"),
        ("MST", "did you mean 'America/Denver' or 'America/Phoenix'?"),
        ("HST", "did you mean 'Pacific/Honolulu'?"),
        ("GMT", "did you mean 'Europe/London'?"),
        ("GMT0", "did you mean 'Europe/London'?"),
        ("Etc/Greenwich", "did you mean 'Europe/London'?"),
        ("Etc/GMT+5", f"{CITY}: an offset knows no summer time."),
    ],
)
def test_a_zone_without_summer_time_is_answered_with_the_region(tmp_path: Path, zone: str, hint: str) -> None:
    """Where a zone may stand for several regions, all are named."""
    message = f"'{zone}' has one offset all year, so times in summer may be an hour off"
    exam = f"  a/x: {{title: X, timezone: {zone}}}\n"
    assert told(tmp_path, exam) == [f"1:29 no-summer-time: {message}. {hint}"]


def test_the_zone_of_an_environment_is_looked_at_too(tmp_path: Path) -> None:
    """It is told in the workspace file, whose `rules` decide about it."""
    file = tmp_path / "reconciler.yaml"
    text = "version: 1\nenvironments:\n  staging: {timezone: EST}\n"
    for rules, severities in (
        ("", [Severity.WARNING]),
        ("rules: {no-summer-time: off}\n", []),
        ("rules: {no-summer-time: error}\n", [Severity.ERROR]),
        ("rules: {no-summer-time: [odd]}\n", [Severity.WARNING]),
    ):
        file.write_text(text + rules)
        found = load_workspace(tmp_path, environment_name=None).diagnostics
        zones = [each for each in found if each.code == "no-summer-time"]
        assert [each.severity for each in zones] == severities
        assert {str(each.span.start) for each in zones if each.span} <= {"reconciler.yaml:3:23"}
