"""Manifests for tests of rules: a base to put exams under, and what the rules find in them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.manifest.loader import RuleSettings, load
from reconciler.model.declarations import Loaded
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Position, Severity, Span
from reconciler.rules.registry import RuleRegistry

PAGES = Path(__file__).parents[2] / "docs" / "rules"
CASES = Path(__file__).parent / "cases"
NOW = datetime(2031, 10, 1, tzinfo=UTC)
BASE = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
timezone: America/New_York
courses:
  cs101: CU1234567890abcdef1234567890abcdef
  cs210: CU2345678901abcdef1234567890abcdef
  math120: CU3345678901abcdef1234567890abcdef
  stats-1: CU4345678901abcdef1234567890abcdef
  stats-2: CU5345678901abcdef1234567890abcdef
defaults:
  type: Online
  useProctorManager: true
  requireApproval: false
  enableAppointmentSuggestions: true
  examDeliverySystemModule: canvas
  course: cs101
  url: https://lms.example.edu/quiz/0
  configuration: {password: {fromEnv: EXAM_SECRET_X}}
"""
LEFT_OUT: Mapping[str, Severity | None] = {"no-window": None}
"""Rules that are off unless a test turns them on: they ask for what short manifests leave out."""
PLACE = Span(Position("reconciler.yaml", 3, 10), 3, 15)
COHORTS = {"year-2": dict.fromkeys(("cs210", "math120", "stats-*"), PLACE)}
WITHOUT_PASSWORD = BASE.replace("{password: {fromEnv: EXAM_SECRET_X}}", "{}")

_EXPECTED = re.compile(r"expect: ([a-z/-]+)")


def settings_of(severities: Mapping[str, Severity | None] | None = None, **settings: object) -> RuleSettings:
    """Settings of rules: `severities` go before LEFT_OUT, and the moment is NOW unless given."""
    chosen: dict[str, object] = {"now": NOW, **settings}
    return RuleSettings(severities={**LEFT_OUT, **(severities or {})}, **chosen)  # type: ignore[arg-type]


def loaded(root: Path, text: str, **settings: Any) -> Loaded:
    """What reading `text` as the only manifest gives."""
    (root / "exams.yaml").write_text(text, encoding="utf-8")
    cohorts = COHORTS if text.startswith(BASE[:200]) else {}
    return load(
        [], root=root, environment=Environment(), rules=settings_of(**{"cohorts": cohorts, **settings})
    )


def found(root: Path, text: str, **settings: Any) -> list[tuple[int, str]]:
    """Line and code of each finding in `text`, in order."""
    return [
        (each.span.start.line if each.span else 0, each.code)
        for each in loaded(root, text, **settings).diagnostics
    ]


def expected(text: str) -> list[tuple[int, str]]:
    """Line and code of each finding that a comment in `text` expects, in order."""
    return [
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        for code in sorted(_EXPECTED.findall(line))
    ]


def weights(**codes: Severity | None) -> dict[str, Severity | None]:
    """Weights of rules, whose codes are given with `_` for `-`."""
    return {code.replace("_", "-"): weight for code, weight in codes.items()}


BUILT_IN = RuleRegistry().by_code
