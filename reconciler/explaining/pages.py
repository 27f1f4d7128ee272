"""The pages of the documentation that come with the package, and the words that two of them explain."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

_WHEEL: Final = Path(__file__).parent / "pages"
_CHECKOUT: Final = Path(__file__).parents[2] / "docs"
DIAGNOSTICS: Final = "Diagnostics"
"""The group of the codes that manifests get."""
_NAME: Final = re.compile(r"[a-z-]+(?:/[a-z-]+)?")
_ENTRY: Final = re.compile(r"^### (\S+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


class Word(Struct, frozen=True, kw_only=True):
    """A code or word of pages and outputs: the group that it belongs to, and what it means, in Markdown."""

    name: str
    group: str
    text: str

    @property
    def sentence(self) -> str:
        """What it means, in one sentence."""
        first, dot, _ = " ".join(self.text.split()).partition(". ")
        return f"{first}{'.' if dot else ''}"


def page(name: str) -> str | None:
    """Return the page `name` of the documentation, such as `stores/http` or `rules/no-password`."""
    path = (_WHEEL if _WHEEL.is_dir() else _CHECKOUT) / f"{name}.md"
    return path.read_text(encoding="utf-8") if _NAME.fullmatch(name) and path.is_file() else None


@cache
def words() -> Mapping[str, Word]:
    """Return all words of docs/explain.md and docs/words.md by name, in their order."""
    return {
        name: Word(name=name, group=group.partition("\n")[0], text=text.strip())
        for title in ("explain", "words")
        for group in re.split(r"^## ", page(title) or "", flags=re.MULTILINE)[1:]
        for name, text in _ENTRY.findall(group)
    }
