"""Pages that are generated from the parser, the rules and the schemas are current."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_generated_page_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page says of options, fields, rules and exit codes is what they are."""
    monkeypatch.syspath_prepend(str(ROOT / "website"))
    import reference  # noqa: PLC0415 - a script, found only now

    old = [path.name for path, text in reference.pages().items() if path.read_text(encoding="utf-8") != text]
    assert old == [], "run `make reference`"
