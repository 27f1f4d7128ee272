"""What the site needs besides MkDocs: links to the repository, lists as on code hosts, search from disk."""

import os
import re
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
REPOSITORY: Final = Path("repository")
"""The folder of the site for files of the repository that pages link to."""
SHIM: Final = "assets/iframe-worker.js"
"""Stands for workers, which browsers refuse to pages from a disk. It comes from npm."""
LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)[^)#\s]+")
BOOSTS: Final = {"commands": 3, "how-to": 3, "rules": 0.2}
"""How much more a page, or the pages of a folder, count in a search."""
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


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add each file of the repository that a page links to: a text as it is, on a page of its own."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    while waiting:
        for path in _linked_files(waiting.pop()):
            uri = _uri(path)
            if not files.get_file_from_path(uri):
                added = File.generated(
                    config, uri, content=_as_page(path), inclusion=InclusionLevel.NOT_IN_NAV
                )
                files.append(added)
                waiting += [path] if path.suffix == ".md" else []
            if _is_example(uri):
                files.append(File.generated(config, f"{Path(uri).parent}.zip", content=_archive(path.parent)))
    return files


def _is_example(uri: str) -> bool:
    """Whether the page describes a whole folder that a reader copies."""
    return Path(uri).match(f"{REPOSITORY}/examples/*/README.md")


def _archive(folder: Path) -> bytes:
    """Return the files of `folder` as a zip archive."""
    archive = BytesIO()
    with ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                opened.write(path, path.relative_to(folder.parent))
    return archive.getvalue()


def _linked_files(page: Path) -> list[Path]:
    """Return the files outside docs/ to which `page` links."""
    linked = [(page.parent / link).resolve() for link in LINK.findall(page.read_text(encoding="utf-8"))]
    outside = [path for path in linked if not path.is_relative_to(DOCS)]
    for path in outside:
        if not path.is_relative_to(ROOT) or not path.is_file():
            raise PluginError(f"{page}: {path} is not a file of the repository")
    return outside


def _uri(path: Path) -> str:
    """Return the name of the page of the site for a file, which may be outside docs/."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    uri = (REPOSITORY / path.relative_to(ROOT)).as_posix()
    return uri if path.suffix == ".md" else f"{uri}.md"


def _as_page(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"# {path.relative_to(ROOT).as_posix()}\n\n`````{path.suffix[1:]}\n{text}`````\n"


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links to files outside docs/ to their pages, and write lists as Python-Markdown reads them."""
    uri = Path(page.file.src_uri)
    is_added = uri.is_relative_to(REPOSITORY)
    source = ROOT / uri.relative_to(REPOSITORY) if is_added else DOCS / uri
    page.meta["search"] = (
        {"exclude": True} if is_added else {"boost": BOOSTS.get(uri.parent.name or uri.stem, 1)}
    )
    if not source.is_file():
        return markdown

    def linked(found: re.Match[str]) -> str:
        path = (source.parent / found[0]).resolve()
        if path.is_relative_to(DOCS) and not is_added:
            return found[0]
        return Path(os.path.relpath(_uri(path), uri.parent)).as_posix()

    shown = LINK.sub(linked, markdown)
    if _is_example(page.file.src_uri):
        shown = shown.replace("\n", f"\n\n[All files of this folder, zipped](../{uri.parent.name}.zip)\n", 1)
    return _lists(shown)


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


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Show bars in tables without the sign before them, which Python-Markdown keeps, and fields in a tree."""
    if Path(page.file.src_uri).parent.name == "reference":
        for title in page.toc:
            title.children = _tree(title.children)
    return CELL.sub(lambda found: found[0].replace("\\|", "|"), html)


def _tree(links: list[AnchorLink]) -> list[AnchorLink]:
    """Return `links` with each field below the one that holds it, under the last part of its name."""
    top: list[AnchorLink] = []
    named: dict[str, AnchorLink] = {}
    for link in links:
        link.children = _tree(link.children)
        named[link.title] = link
        holder, _, name = link.title.rpartition(".")
        (named[holder].children if holder in named else top).append(link)
        link.title = link.title if " " in name else name
    return top


def on_post_build(config: MkDocsConfig) -> None:
    """Put the shim into the site."""
    shim = ROOT / ".venv" / "site" / "node_modules" / "iframe-worker" / "shim" / "index.js"
    if not shim.is_file():
        raise PluginError(f"{shim} is missing: `make docs` installs it")
    shutil.copy(shim, Path(config.site_dir) / SHIM)
