"""The site of docs/, opened in a browser from a disk: it is searched, fits a phone, and fetches nothing."""

import os
import re
import subprocess
import sys
import tomllib
from html import unescape
from pathlib import Path
from zipfile import ZipFile

import chromium
import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    "index",
    "install",
    "words",
    "how-to/first-term",
    "commands",
    "reference/exam-fields",
    "reference/formats",
    "rules/same-exam",
]
FIRST_FOUND = {
    "in doubt": "An exam in doubt",
    "state restore": "Commands",
    "install": "Install",
    "glossary": "Words",
}
"""What a reader types into the search, and the page that stands first."""
TOO_WIDE = """() => [...document.querySelectorAll('article *')]
  .filter(one => one.checkVisibility() && !one.closest('svg, pre, .md-typeset__scrollwrap'))
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 90))"""
BLOCK = re.compile(r"<pre.*?</pre>", re.DOTALL)
INLINE = re.compile(r"<code>(.*?)</code>", re.DOTALL)
OF_THE_THEME = {"aria-dialog-name", "landmark-unique"}
COUNTED = ("li", "ul", "ol", "table", "tr", "pre", "em", "strong")


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build the site into `folder`, as `make docs` does."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder), *options],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_is_searched_and_read_from_a_disk(site: Path) -> None:
    """On a phone, from file://: nothing is too wide or fetched, and a search finds first what is looked for.

    The page on doubts can be read by everybody, and its buttons copy commands without what they print.
    """
    complaints: list[str] = []
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda one: None if one.url.startswith(("file:", "data:")) else complaints.append(one.url),
        )
        for name in PAGES:
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
            assert page.evaluate(TOO_WIDE) == [], name
        page.locator("label.md-header__button[for=__search]").click()
        page.locator(".md-search__input").click()
        for words, title in FIRST_FOUND.items():
            page.locator(".md-search__input").fill("")
            page.keyboard.type(words)
            first = page.locator(".md-search-result__item:first-child h1", has_text=title)
            first.wait_for(timeout=10_000)
        page.goto((site / "how-to" / "exam-in-doubt.html").as_uri())
        button = page.locator(".language-console .md-code__button").first
        button.dispatch_event("click")
        copied = button.get_attribute("data-clipboard-text")
        assert copied
        assert copied.splitlines()[0] == "reconciler init --example"
        assert "Created" not in copied
        unwatched = browser.new_page()  # what looks for barriers reads style sheets anew
        unwatched.goto(page.url)
        assert {rule for rule, _ in chromium.barriers(unwatched)} <= OF_THE_THEME
    assert complaints == []


def test_files_of_the_repository_are_in_the_site(site: Path) -> None:
    """Pages lead to examples that are built in, word for word; no page needs the repository's address."""
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    links = set(re.findall(r'href="([^"]*)"', pages[site / "manifest.html"]))
    assert "repository/examples/exams.yaml.html" in links
    shown = re.search(r"<code>(.*?)</code>", pages[site / "repository/examples/exams.yaml.html"], re.DOTALL)
    assert shown
    text = unescape(re.sub(r"<[^>]*>", "", shown[1]))
    assert text == (ROOT / "examples" / "exams.yaml").read_text(encoding="utf-8")
    assert 'href="../gitops.zip"' in pages[site / "repository/examples/gitops/index.html"]
    with ZipFile(site / "repository" / "examples" / "gitops.zip") as archive:
        assert "gitops/.github/workflows/apply.yml" in archive.namelist()
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    address = metadata["project"]["urls"]["Source"]
    assert [path for path, text in pages.items() if f'href="{address}' in text] == []


def test_the_contents_of_a_page_call_a_field_by_its_last_name(site: Path) -> None:
    """Fields stand in a tree below the one that holds them, and differ in what a narrow column shows."""
    page = (site / "reference" / "exam-fields.html").read_text(encoding="utf-8")
    contents = re.search(r'<nav class="md-nav md-nav--secondary".*?</nav>\s*</div>', page, re.DOTALL)
    assert contents
    entries = re.findall(
        r'href="#([^"]+)".*?<span class="md-ellipsis">\s*(.*?)\s*</span>', contents[0], re.DOTALL
    )
    names = {anchor: re.sub(r"<[^>]*>", "", name) for anchor, name in entries}
    assert names["configurationinstructorasproctorcapacity"] == "capacity"
    assert [name for name in names.values() if "." in name] == []


def test_a_page_is_the_same_on_the_site_and_on_a_code_host(site: Path) -> None:
    """Lists, tables and code are those of CommonMark, although MkDocs has another parser."""
    for source in sorted(DOCS.rglob("*.md")):
        name = source.relative_to(DOCS).with_suffix(".html").as_posix().replace("README", "index")
        article = re.search(r"<article.*?</article>", (site / name).read_text(encoding="utf-8"), re.DOTALL)
        hosted = MarkdownIt("gfm-like").render(source.read_text(encoding="utf-8"))
        assert article
        assert parts(article[0]) == parts(hosted), name


def parts(html: str) -> tuple[dict[str, int], list[str]]:
    """How many elements of each kind there are, and the code in lines of text."""
    counts = {tag: len(re.findall(rf"<{tag}[ >]", html)) for tag in COUNTED}
    return counts, [" ".join(unescape(code).split()) for code in INLINE.findall(BLOCK.sub("", html))]
