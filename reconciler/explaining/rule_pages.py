"""The pages about rules, which live in docs/rules/ and ship inside the wheel."""

from pathlib import Path
from typing import Final

_WHEEL: Final = Path(__file__).parent / "pages"
_CHECKOUT: Final = Path(__file__).parents[2] / "docs" / "rules"


def page_of(code: str) -> str | None:
    """The page about the built-in rule `code`; None where there is none."""
    folder = _WHEEL if _WHEEL.is_dir() else _CHECKOUT
    page = folder / f"{code}.md"
    return page.read_text(encoding="utf-8") if page.is_file() else None
