"""Name, version and address of the distribution stand in one place each, and all files quote them."""

import re

import pytest
from project_files import project, texts

import reconciler
from reconciler.model.errors import DISTRIBUTION

HISTORY = {"CHANGELOG.md"}  # tells of earlier names and versions
SOURCE = project()["urls"]["Source"]
REPOSITORY = "/".join(SOURCE.split("/")[-2:])  # owner/name
QUOTED = re.compile(r"(?:\breconciler(?:@|==| )|\brev: |^version: )\"?v?(\d+\.\d+\.\d+\w*)", re.MULTILINE)
ADDRESS = re.compile(
    r"https?://[\w.:-]+/[\w.-]+/reconciler\b|(?<![\w.-])[\w-]+/reconciler(?=(?:/reconciler)?@)"
)
INSTALLED = re.compile(
    r"\b(?:pip|pipx|uv|uvx)\b[^\n`]*?[ '\"]([\w-]*reconciler)(?:\[([\w,-]+)\]|['\"`\s]|==|$)"
)


def files() -> dict[str, str]:
    """The text of each file that may quote name, version and address of today."""
    return {name: text for name, text in texts().items() if name not in HISTORY}


def test_hints_and_pages_install_this_distribution_and_extras_that_it_has() -> None:
    """PyPI has another package called `reconciler`: nobody is sent to it, by a message or by a page."""
    assert project()["name"] == DISTRIBUTION == "exam-reconciler"
    extras = project()["optional-dependencies"].keys()
    code = "".join(text for name, text in texts().items() if name.startswith("reconciler/"))
    assert set(re.findall(r'extra="([^"]+)"', code)) == extras
    found = {(name, *said) for name, text in files().items() for said in INSTALLED.findall(text)}
    assert {"docs/sandbox.md", "docs/encryption.md"} <= {name for name, *_ in found}
    for name, distribution, named in found:
        assert distribution == DISTRIBUTION, name
        assert {extra for extra in named.split(",") if extra} <= extras, name


def test_no_file_has_an_earlier_name_of_the_distribution() -> None:
    """A search for the old name finds nothing that still has to change."""
    assert [name for name, text in files().items() if "smarterproctoring" + "-reconciler" in text] == []


def test_every_version_quoted_is_the_version_of_the_package() -> None:
    """`reconciler/__init__.py` says it; pages, hooks and templates that quote another would install that."""
    quoted = {(name, said) for name, text in files().items() for said in QUOTED.findall(text)}
    assert "docs/pipelines.md" in {name for name, _ in quoted}
    assert {(name, said) for name, said in quoted if said != reconciler.__version__} == set()


@pytest.mark.parametrize("before", ["exam-reconciler==", "    rev: v", "$ reconciler ", "version: "])
def test_a_quoted_version_is_found_however_it_is_written(before: str) -> None:
    """Requirements, hooks, outputs of `--version` and citations all count."""
    assert QUOTED.findall(f"{before}9.9.9") == ["9.9.9"]


def test_every_address_of_the_repository_is_the_one_of_pyproject() -> None:
    """Who keeps the project elsewhere changes one place, and this test lists what quotes it."""
    assert all(url.startswith(SOURCE) for url in project()["urls"].values())
    quoted = {(name, said) for name, text in files().items() for said in ADDRESS.findall(text)}
    assert {"docs/pipelines.md", "examples/gitops/README.md"} <= {name for name, _ in quoted}
    assert {(name, said) for name, said in quoted if said not in {SOURCE, REPOSITORY}} == set()
