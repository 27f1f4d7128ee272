"""What the site needs besides MkDocs: links to the repository, lists as on code hosts, search from disk."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
SOURCE: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
    "Source"
]
SHIM: Final = "assets/iframe-worker.js"
"""Stands for workers, which browsers refuse to pages from a disk. It comes from npm."""
UPWARD: Final = re.compile(r"(?<=\]\()\.\./[^)#\s]+")
BOOSTS: Final = {"how-to": 3, "rules": 0.2}
"""How much more the pages of a folder count in a search."""
CELL: Final = re.compile(r"<td.*?</td>", re.DOTALL)
ITEM: Final = re.compile(r"(?:[-*]|\d+\.) ")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let the pages load the shim, and name in the navigation what its globs stand for."""
    config.extra["polyfills"] = [SHIM]
    config.nav = _expanded(config.nav, set(_pages(config.nav)))
    return config


def _pages(nav: Any) -> list[str]:
    """Return all pages and globs of `nav`."""
    inner = nav.values() if isinstance(nav, dict) else nav
    return [nav] if isinstance(nav, str) else [page for one in inner for page in _pages(one)]


def _expanded(nav: Any, named: set[str]) -> Any:
    """Return `nav` with each glob replaced by the pages that it matches and that are not `named`."""
    if isinstance(nav, dict):
        return {title: _expanded(one, named) for title, one in nav.items()}
    if not isinstance(nav, list):
        return nav
    found = (
        {path.relative_to(DOCS).as_posix() for path in DOCS.glob(one)} if _is_glob(one) else None
        for one in nav
    )
    return [
        each
        for one, pages in zip(nav, found, strict=True)
        for each in ([_expanded(one, named)] if pages is None else sorted(pages - named))
    ]


def _is_glob(one: Any) -> bool:
    return isinstance(one, str) and "*" in one


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links that leave docs/ to the repository, and write lists as Python-Markdown reads them."""
    folder = (DOCS / page.file.src_uri).parent
    page.meta["search"] = {"boost": BOOSTS.get(folder.name, 1)}

    def linked(found: re.Match[str]) -> str:
        path = (folder / found[0]).resolve()
        if path.is_relative_to(DOCS):
            return found[0]
        if not path.exists():
            raise PluginError(f"{page.file.src_uri}: {found[0]} is not a file of the repository")
        return f"{SOURCE}/{'tree' if path.is_dir() else 'blob'}/main/{path.relative_to(ROOT)}"

    return _lists(UPWARD.sub(linked, markdown))


def _lists(markdown: str) -> str:
    """Return `markdown` with a blank line before each list, and its items' lines indented by four columns."""
    lines: list[str] = []
    is_code, width = False, 0
    for line in markdown.splitlines():
        item = ITEM.match(line)
        if item and not is_code:
            if not width and lines and lines[-1].strip():
                lines.append("")
            width = len(item[0])
        elif width and line.strip() and not line.startswith(" " * width):
            width = 0
        is_code ^= line.lstrip().startswith("```")
        lines.append(line if item or not line.strip() or not width else " " * (4 - width) + line)
    return "\n".join(lines) + "\n"


def on_page_content(html: str, **_: Any) -> str:
    """Show bars in tables without the sign before them, which Python-Markdown keeps."""
    return CELL.sub(lambda found: found[0].replace("\\|", "|"), html)


def on_post_build(config: MkDocsConfig) -> None:
    """Put the shim into the site."""
    shim = ROOT / ".venv" / "site" / "node_modules" / "iframe-worker" / "shim" / "index.js"
    if not shim.is_file():
        raise PluginError(f"{shim} is missing: `make docs` installs it")
    shutil.copy(shim, Path(config.site_dir) / SHIM)
