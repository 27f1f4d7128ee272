"""The product's JSON Schemas, which live in the top-level `schemas/` and ship inside the wheel.

Promise: reads data files, nothing else. May import: the standard library only.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

NAMES: Final = (
    "check",
    "create-exam",
    "diagnostics",
    "explanations",
    "log",
    "manifest",
    "plan",
    "recovery",
    "report",
    "sealed",
    "state",
    "workspace",
)

TYPE_WORDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "null": "null",
}
"""How messages call the types of JSON Schema: as YAML's users do."""

_WHEEL: Final = Path(__file__).parent / "documents"
_CHECKOUT: Final = Path(__file__).parents[2] / "schemas"


def text_of(name: str) -> str:
    """The schema called `name` (one of NAMES), as it stands in its file."""
    folder = _WHEEL if _WHEEL.is_dir() else _CHECKOUT
    return (folder / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def load(name: str) -> dict[str, Any]:
    """The schema called `name` (one of NAMES), parsed; callers treat it as read-only."""
    document: dict[str, Any] = json.loads(text_of(name))
    return document
