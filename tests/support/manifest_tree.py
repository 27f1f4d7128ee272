"""Workspaces of several manifests, for tests of loading."""

import json
from pathlib import Path
from typing import Any

from reconciler.manifest.loader import RuleSettings, load
from reconciler.model.declarations import Loaded
from reconciler.model.destination import Environment

AI = "AI1234567890abcdef1234567890abcdef"
CU = "CU1234567890abcdef1234567890abcdef"
US = "US1234567890abcdef1234567890abcdef"
WHOLE: dict[str, Any] = {
    "courseSid": CU,
    "title": "T",
    "type": "Written",
    "useProctorManager": True,
    "requireApproval": False,
    "url": "N/A",
    "enableAppointmentSuggestions": True,
    "examDeliverySystemModule": "canvas",
    "configuration": {"duration": 90},
}
"""The fields of a valid exam."""
BRIEF = RuleSettings(
    severities={"no-window": None, "incomplete-window": None, "duration-not-in-minutes": None}
)
"""Rules without those that ask for dates, and for durations of exams."""


def write(root: Path, name: str, content: str | dict[str, Any]) -> None:
    """Write a manifest below `root`; a mapping gets `version: 1`."""
    text = content if isinstance(content, str) else json.dumps({"version": 1} | content, indent=1)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def read(root: Path, *paths: str, **environment: Any) -> Loaded:
    """Load the manifests below `root`, with provenance."""
    return load(paths or ["."], root=root, environment=Environment(**environment), rules=BRIEF)


def said(loaded: Loaded) -> list[str]:
    """Return code and place of every diagnostic."""
    return [f"{found.code} {found.span and found.span.start}" for found in loaded.diagnostics]
