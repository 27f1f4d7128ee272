"""Places that are told from an exam's lines are those that parsing it gives."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.manifest.locating import ExamLines
from reconciler.manifest.rules.running import _stretch
from reconciler.manifest.yaml_nodes import Mapping, Stretch
from reconciler.manifest.yaml_parcels import parse_quietly

HEAD = "version: 1\nexams:\n  first: {title: no}\n"
TOLD = [
    "plain words",
    "5",
    "-5",
    "plain # a comment",
    "a#b",
    "trailing   ",
    "  far away",
    "http://a.example/b?c#d",
    "2031-10-10T09:00",
    "é ünï",
    "student's own",
    'a "b" c',
    "a | b > c",
    '"quoted"',
    '"quoted: \\" and more" # a comment',
    "'it''s'",
    "[a, b]",
    "{fromEnv: EXAM_SECRET_A}",
    "[] # a comment",
    "an ] end",
]
TOLD_OR_NOT = [
    "",
    "~",
    "# a comment only",
    "|\n{i}  title: a block\n{i}  word: more",
    ">-\n{i}  title: folded",
    "plain\n{i}  goes on",
    "plain\n\n{i}  goes on",
    "plain\n{i}  - goes on",
    '"open\n{i}title: closed"',
    "'open\n{i}title: closed'",
    '"open \\\n{i}title: closed"',
    "'''\n{i}title: closed'",
    "[a,\n{i}title]",
    "{{a: b,\n{i}title: c}}",
    "[[a, b],\n{i}title: c]",
    "[a, #b]\n{i}title: c]",
    '["]",\n{i}title: c]',
    "[a, b [c",
    "a [b {{c",
    "!!str 5",
    "!!seq [a]",
    "&anchor x",
    '&anchor "a # b"',
    "&anchor [a]",
    "*anchor",
    "\n{i}  - a\n{i}  - title: b\n{i}    word: c",
    "\n{i}- a\n{i}- b",
    "\n{i}- a: 'open\n{i}title: no\n{i}word: closed'",
    '\n{i}- word: "open\n{i}title: no\n{i}word: closed"\n{i}  end: 1',
    "\n{i}- 'a: b': [x,\n{i}title: no,\n{i}word: c]",
    "\n{i}- http://a.example/b\n{i}- 10:30\n{i}- 'a: b' # c",
    "\n{i}  title: deeper\n{i}  word: deeper",
    "\n{i}  # word: a comment\n\n{i}    title: deeper\n{i}    end: 1",
    "\n{i}  plain on a line of its own",
    "\n{i}  plain\n{i}  title:x",
    '\n{i}  "quoted on a line of its own"',
    "\tx",
    "x\t# a comment",
    "plain\r\n{i}x{n}: 1\r",
    "plain\r{i}x{n}: 1",
    "{{a: [b]}}",
    "[{{a: b}}, c]",
]
BETWEEN = [
    "",
    "\n",
    "{i}# title: a comment\n",
    "# title: a comment\n",
    "{i}  # title: a comment\n",
    "{i}? odd\n{i}: title: x\n{i}  word: y\n",
    '{i}"quoted{n}": 1\n',
    "{i}'title': 1\n",
    "{i}spaced{n} : 1\n",
    "{i}? long\n",
    "{i}end{n}:# a: 'open\n{i}title: closed'\n",
    '{i}- end{n}:# a: "open\n{i}title: closed"\n',
]
KEYS = ["title", "word", "password", "duration", "end"]
OUTER = ["", "configuration", "other"]
PATHS = [*((key,) for key in (*KEYS, *OUTER[1:])), *((outer, key) for outer in OUTER[1:] for key in KEYS)]


def entry(key: str, value: str, between: str, indent: int) -> str:
    """An entry of a mapping, after what stands `between` it and the one before."""
    spaces = " " * indent
    written = value.format(i=spaces, n=key) if value in TOLD_OR_NOT else value
    space = " " if written[:1] not in ("", "\n", "\t") else ""
    return f"{between.format(i=spaces, n=key)}{spaces}{key}:{space}{written}\n"


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.one_of(st.sampled_from(TOLD), st.sampled_from(TOLD_OR_NOT)),
        st.one_of(st.just(""), st.sampled_from(BETWEEN)),
    ),
    max_size=4,
    unique_by=lambda each: each[0],
)


def exam(blocks: list[list[tuple[str, str, str]]], indent: int, deeper: int) -> str:
    """An exam's lines: entries of its own, and those of up to two blocks."""
    lines = []
    for outer, entries in zip(OUTER, blocks, strict=False):
        if outer and entries:
            lines.append(f"{' ' * indent}{outer}:\n")
        lines += [entry(*each, indent + deeper if outer else indent) for each in entries]
    return "".join(lines)


def read(text: str) -> tuple[Mapping, Stretch] | None:
    """The exam `e` of `text` with its marks, and where it is; None where it is wrong, or no mapping."""
    parsed = parse_quietly(text.encode())
    exams = parsed.document.root.get("exams") if parsed else None
    found = exams.get("e") if isinstance(exams, Mapping) else None
    if not isinstance(exams, Mapping) or not isinstance(found, Mapping) or not found:
        return None
    return found, exams.value_at("e")


@given(
    blocks=st.lists(ENTRIES, min_size=1, max_size=3),
    indent=st.integers(3, 5),
    deeper=st.integers(1, 4),
    after=st.sampled_from(["", "  x:\n    title: no\n", "\n  # title: no\nmoved: []\n"]),
)
@example(
    blocks=[[("end", '"quoted"', ""), ("word", "[a, #b]\n{i}title: c]", "")]],
    indent=4,
    deeper=2,
    after="",
)
@example(blocks=[[("word", "[a, #b]\n{i}title: c]", "")]], indent=4, deeper=2, after="")
@example(blocks=[[("word", "5", "{i}end:# a: 'open\n{i}title: closed'\n")]], indent=4, deeper=2, after="")
@example(
    blocks=[[("word", "\n{i}- a: 'open\n{i}title: no\n{i}word: closed'", "")]], indent=4, deeper=2, after=""
)
@example(
    blocks=[[("word", "\n{i}- 'a: b': [x,\n{i}title: no,\n{i}word: c]", "")]], indent=4, deeper=2, after=""
)
@settings(max_examples=600)
def test_what_is_told_is_so(blocks, indent, deeper, after):
    """Where the lines can be read as YAML at all."""
    text = f"{HEAD}  e:\n{exam(blocks, indent, deeper)}{after}"
    found = read(text)
    if found is None:
        return
    written, own = found
    lines = ExamLines(text, own)
    for path in PATHS:
        told = lines.locate(path)
        assert told is None or told == _stretch(written, path), path


@pytest.mark.parametrize("value", TOLD)
@pytest.mark.parametrize("key", ["title", "password"])
@pytest.mark.parametrize("around", TOLD[:13:6])
def test_what_is_ordinary_is_told(key, value, around):
    """Among other ordinary lines, comments, and lines that are empty; also at the very end of a text."""
    entries = [
        ("word", around, ""),
        (key, value, "\n"),
        ("end", around, "  # a comment, further out\n          # and one further in\n"),
    ]
    for count in (2, 3):
        text = f"{HEAD}  e:\n{exam([entries[:count], entries[:count]], 4, 2)}"
        found = read(text)
        assert found is not None
        written, own = found
        for path in ((key,), ("configuration", key)):
            assert ExamLines(text, own).locate(path) == _stretch(written, path) is not None
            assert ExamLines(text.rstrip(), own).locate(path) is not None


def test_lists_among_other_lines_are_no_hindrance():
    """Their items are closed by line as well."""
    items = "\n{i}- http://a.example/b\n{i}- 10:30\n{i}- 'a: b' # c\n{i}- word: d\n{i}  end: 'e'\n{i}- [f]"
    text = f"{HEAD}  e:\n{exam([[('word', items.format(i='     '), ''), ('title', 'Told', '')]], 4, 2)}"
    found = read(text)
    assert found is not None
    assert ExamLines(text, found[1]).locate(("title",)) == found[0].value_at("title")


@pytest.mark.parametrize(
    "value", ["{title: a}", "{title: a, word: b,\n   end: c}", "&x\n    configuration:\n     title: a"]
)
def test_exams_that_are_not_in_lines_of_their_own(value):
    """Within brackets, or begun on the line of the address."""
    text = f"{HEAD}  e: {value}\n"
    found = read(text)
    assert found is not None
    assert ExamLines(text, found[1]).locate(("title",)) in {None, _stretch(found[0], ("title",))}


@pytest.mark.parametrize(
    "value", ["", " a", " # title: a", "\n      a\n      title:b", "\n    - title: b", " []"]
)
def test_what_is_no_mapping_has_no_places(value):
    """A text of several lines may look like one."""
    text = f"{HEAD}  e:\n    configuration:{value}\n    end: 1\n  x:\n    configuration:\n      title: c\n"
    found = read(text)
    assert found is not None
    assert ExamLines(text, found[1]).locate(("configuration", "title")) is None


@pytest.mark.parametrize(
    "key", ["<<", "# title", "title: An exam\n    type", "title: 'a", " title", "- title", ""]
)
def test_keys_that_no_field_has_are_not_told(key):
    """Only a plug-in could ask for them."""
    text = f"{HEAD}  e:\n    <<: {{word: b}}\n    # title: c\n    title: An exam\n    type: d\n"
    found = read(text)
    assert found is not None
    assert ExamLines(text, found[1]).locate((key,)) is None


@pytest.mark.parametrize("path", [(), (0,), ("title", 0), ("configuration", "word", "title"), (None, "word")])
def test_odd_paths_are_not_told(path):
    """Lists are parsed, and whatever a plug-in may ask for."""
    text = f"{HEAD}  e:\n    title: [a]\n    configuration:\n      word: {{title: x}}\n"
    found = read(text)
    assert found is not None
    assert ExamLines(text, found[1]).locate(path) is None
