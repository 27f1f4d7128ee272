"""An editor finds nothing wrong with the examples."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
WORKSPACE = "reconciler.yaml"
FIRST_LINE = "# yaml-language-server: $schema="
# A repository to copy names no schema: its first line would lead out of it.
NAMING = [path for path in EXAMPLES if ROOT / "examples" / "gitops" not in path.parents]


def kind_of(path):
    """Which schema the file at `path` has to satisfy."""
    return "workspace" if path.name == WORKSPACE else "manifest"


def test_there_are_examples_of_both_kinds():
    """Were the examples moved, the tests of this file would be about nothing."""
    assert {kind_of(path) for path in EXAMPLES} == {"manifest", "workspace"}
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.stem)
def test_examples_are_right_by_their_first_line(server, path):
    """The schema is the one that the example itself names, and it finds nothing."""
    assert server.mistakes(path) == []
    assert f"{kind_of(path)}.schema.json" in server.hover(path, *place_of(path, "version"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_right_by_settings(server, file_of, path):
    """The schema is the one that the editor's settings name, and it finds nothing."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith(FIRST_LINE) == (path in NAMING)
    rest = text.partition("\n")[2] if path in NAMING else text
    copy = file_of(kind_of(path))
    assert server.mistakes(copy, rest) == []
    assert server.mistakes(copy.with_stem(f"{copy.stem}-bent"), f"{rest}\nnope: 1\n")


def place_of(path, word):
    """Line and character at which `word` begins a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines) if line.startswith(word)), 0


def test_without_a_schema_nothing_is_known(server, desk):
    """A file that names no schema, and that no setting gives one, is only checked as YAML."""
    path = desk / "other.yaml"
    assert server.mistakes(path, "version: 1\nnope: 1\n") == []
    assert server.mistakes(desk / "other-broken.yaml", "version: [\n")
