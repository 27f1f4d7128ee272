"""Exams that are read without marks, and declared piece by piece, are those that all marks would give."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml_pieces import ENTRIES, TRICKS, same

from reconciler.manifest import (
    ground,
    loading,
    reading,
    reading_ahead,
    yaml_slices,
    yaml_unmarked,
    yaml_walker,
)
from reconciler.manifest.defaults import merged
from reconciler.manifest.loading import Reading, declare, gather
from reconciler.manifest.locating import ExamLines
from reconciler.manifest.reading_ahead import ReadingAhead
from reconciler.manifest.rules import Catalogue
from reconciler.manifest.rules.catalogue import BUILT_IN
from reconciler.manifest.ruling import Ruling
from reconciler.manifest.yaml_nodes import Mapping, Sequence, Stretch, Unmarked, Value
from reconciler.manifest.yaml_parcels import Piece, pack, parse_quietly, parse_unmarked, unpack
from reconciler.manifest.yaml_slices import cut, entries_of
from reconciler.manifest.yaml_together import parse_together
from reconciler.model.declarations import Loaded
from reconciler.model.environment import Environment
from reconciler.model.identities import InstallSid
from reconciler.model.rules import Context, Exam, Finding, Rule

COURSE = "CU1234567890abcdef1234567890abcdef"
INSTALL = InstallSid("AI1234567890abcdef1234567890abcdef")
TOP = f"version: 1\ninstallSid: {INSTALL}\ncourses: {{c: {COURSE}}}\n"
STACKED = f"""\
timezone: America/New_York
users: {{ann: US{"0a" * 16}}}
defaults:
  type: Online
  contactUser: ann
  configuration: {{attempts: 2, scheduleCloseDate: 2031-10-12T09:00Z, permittedNotesInformation: one sheet}}
profiles:
  short: {{configuration: {{duration: 30, attempts: 1}}}}
  wrong: {{status: [maybe]}}
"""
HEADS = [
    TOP,
    f"version: 1\ncourses: {{c: {COURSE}}}\n",
    TOP + STACKED,
    TOP + "timezone: Nowhere/Else\n",
    TOP + "defaults: {profiles: [short]}\nprofiles: {short: {timezone: Europe/Paris}}\n",
    TOP + "extends: [base.yml]\n",
    TOP.replace("courses:", "courses: &a") + "moved: [{from: old, to: e0}]\n",
    TOP + "defaults: &d\n  configuration: {examOpenDate: 2031-02-30T09:00Z}\nprofiles: {short: *d}\n",
    "version: 1\ninstallSid: &a [\n",
]
RIGHT = """\
  {n}:
    course: c
    title: An exam
    type: Online
    useProctorManager: true
    requireApproval: false
    url: https://lms.example.edu/{n}
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration:
      examOpenDate: 2031-10-10T09:00-04:00
      examCloseDate: 2031-10-10T12:00-04:00
      duration: 90
      password: {{fromEnv: EXAM_SECRET_A}}
"""
EXAMS = [
    RIGHT,
    RIGHT + "      proctorTypes: [live]\n      instructorAsProctor: [{{startTime: 2031-10-10T10:00Z}}]\n",
    RIGHT + "    profiles: [short]\n",
    RIGHT + "    profiles: [short, wrong]\n",
    RIGHT + "    profiles: [short, short]\n",
    RIGHT + "    timezone: Europe/Berlin\n",
    RIGHT + "    timezone: Europe/Nowhere\n",
    RIGHT + "    contactUser: ann\n",
    RIGHT + "    contactUserSid: ann\n",
    RIGHT.replace("9:00-04:00", "9:00"),
    RIGHT.replace("10T09:00-04:00", "99T09:00"),
    RIGHT.replace("An exam", "' An exam'"),
    RIGHT.replace("An exam", '"a \\u0007 bell"'),
    RIGHT.replace("course: c\n", "course: d\n"),
    RIGHT.replace("course: c\n", f"courseSid: {COURSE}\n"),
    RIGHT.replace("course: c\n", f"course: c\n    courseSid: {COURSE}\n"),
    RIGHT.replace("course: c\n", ""),
    RIGHT.replace("true", "yes", 1),
    RIGHT.replace("duration: 90", "duration: 90.5"),
    RIGHT.replace("duration: 90", "duration: 9e1"),
    RIGHT.replace("duration: 90", f"duration: {'9' * 40}"),
    RIGHT.replace("duration: 90", "duration: 90\n      duration: 91"),
    RIGHT.replace("duration: 90", "duration: 90\n      nonsense: 91"),
    RIGHT.replace("{{fromEnv: EXAM_SECRET_A}}", "hunter2"),
    RIGHT.replace("{{fromEnv: EXAM_SECRET_A}}", "{{fromFile: ../a}}"),
    RIGHT.replace("{{fromEnv: EXAM_SECRET_A}}", "{{fromFile: a}}"),
    RIGHT.replace("  {n}:", "  {n}: &{n}").replace("duration: 90", "duration: !!int 90"),
    RIGHT.replace("    title", "    # reconciler: ignore[title-spaces] it is so\n    title"),
    RIGHT.replace("{n}:", "'{n}':"),
    RIGHT.replace("  {n}:\n", "  ? {n}\n  :\n", 1),
    RIGHT.replace("12:00-04:00", "08:00-04:00 # too early"),
    RIGHT.replace("duration: 90", "duration: 900\n      virtualCalculatorType: 'scientific-calc'"),
    RIGHT
    + "      permittedCalculator: false\n\n      # so be it\n      virtualCalculatorType: [\n      a]\n",
    RIGHT + "      permittedNotes: false\n      permittedNotesInformation:\n        two sheets\n",
    RIGHT
    + '      permittedTextbookInformation: "any"   # reconciler: ignore[information-not-permitted] so\n',
    RIGHT + "      permittedDictionaryInformation: >-\n        permittedDictionary: x\n      attempts: -1\n",
    RIGHT.replace("An exam", "[practise] an exam").replace("https", "'ftp'#"),
    RIGHT.replace("type: Online", "type: Written\n    status: 'deleted'"),
    "  {n}: {{course: c, title: ' A', url: nowhere, configuration: {{}}}}\n",
    "  {n}: *a\n",
    "  {n}:\n",
    "  a b: {{}}\n",
]
PLACES = [
    *(("course",), ("courseSid",), ("contactUser",), ("contactUserSid",), ("timezone",), ("profiles",)),
    *(("title",), ("type",), ("url",), ("status",), ("nowhere",), ("configuration",), ("nowhere", "title")),
    *(("configuration", name) for name in ("examOpenDate", "attempts", "duration", "password", "title")),
    *(("configuration", "permittedNotesInformation"), ("configuration", "scheduleCloseDate")),
    *(("configuration", "proctorTypes", 0), ("configuration", "password", "fromEnv"), (0,)),
]
ANY = st.sampled_from(EXAMS + TRICKS)
LIKELY = st.one_of(st.sampled_from(EXAMS[:3]), ANY)


def text_of(head: str, exams: list[str]) -> str:
    """A manifest with `exams`, each with an address of its own."""
    return f"{head}exams:\n" + "".join(exam.format(n=f"e{at}") for at, exam in enumerate(exams))


def found_everywhere(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    """What a plug-in finds that has something to say about every value, by itself and beside another."""
    for exam in exams:
        for at, path in enumerate(PLACES):
            yield Finding(exam=exam, message=f"{path}", hint="Mend it.", path=path)
            yield Finding(exam=exam, message=f"{at}", hint="", path=PLACES[at - 3], others=(path, ()))


EVERYWHERE = Catalogue((*BUILT_IN, Rule(code="acme/everywhere", summary="all", check=found_everywhere)))


def loaded(
    root: Path, *, ahead: bool, environment: Environment, batch: int = 600, are_lines_asked: bool = False
) -> Loaded:
    """What the manifests at `root` declare, read ahead in pieces of about `batch` bytes or not.

    Where it is not read ahead, no place is told from lines either, unless these are asked.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "WORTH_A_PROCESS", 1 if ahead else 2**60)
        patch.setattr(reading, "BATCH", batch)
        if not (ahead or are_lines_asked):
            patch.setattr(ExamLines, "locate", lambda *_: None)
        ruling = Ruling(catalogue=EVERYWHERE)
        return declare(gather(["?.yaml"], root), Reading(environment=environment, ruling=ruling))


def texts_of(head: str, exams: list[str], files: int) -> list[str]:
    """Manifests with one head, among which `exams` are dealt out."""
    return [text_of(head, exams[file::files]).replace("e0", f"f{file}") for file in range(files)]


@given(
    texts=st.builds(
        texts_of, st.sampled_from(HEADS), st.lists(LIKELY, min_size=1, max_size=7), st.integers(1, 3)
    ),
    environment=st.sampled_from([Environment(), Environment(install_sid=INSTALL, timezone="Asia/Tokyo")]),
    batch=st.sampled_from([100, 600, 100_000]),
)
@example(texts=texts_of(HEADS[0], EXAMS, 1), environment=Environment(), batch=100_000)
@example(texts=texts_of(HEADS[2], EXAMS, 2), environment=Environment(), batch=600)
@settings(max_examples=200)
def test_reading_ahead_changes_nothing(tmp_path_factory, texts, environment, batch):
    """Declarations, findings, their places and excerpts are those of exams that were read with all marks.

    Several files have the same head, which is read once, and whose mistakes are found in each.
    """
    root = tmp_path_factory.mktemp("root")
    (root / "base.yml").write_text("version: 1\ndefaults: {configuration: {attempts: 3}}\n")
    for number, text in enumerate(texts):
        (root / f"{number}.yaml").write_text(text)
    plainly = loaded(root, ahead=False, environment=environment)
    assert loaded(root, ahead=True, environment=environment, batch=batch) == plainly


@pytest.mark.parametrize(
    "texts",
    [
        ["", text_of(TOP, [RIGHT])],
        ["version: 1\n", text_of(TOP, [RIGHT])],
        ["version: 1\nmoved: [{from: a, to: b}]\n", "version: 1\nexams:\n", text_of(TOP, [RIGHT])],
        [text_of(TOP, [RIGHT.replace("An exam", "' A' # Reconciler: Ignore[title-spaces] it is so")])],
        [text_of(TOP, [RIGHT.replace("An exam", "' A' # RECONCILER : ignore[] it is so")])],
        [TOP + 'exams: {\n  "e0":{"course":"c","duration":"x"},\n  e1:\n{"title":" A"}\n}\n'],
        ["\ufeff\ufeff" + text_of(TOP, [RIGHT.replace("An exam", "' A'"), EXAMS[13]])],
        [text_of("\ufeff" + TOP, [RIGHT, EXAMS[13]])] * 2,
        [text_of(TOP, ["  {n}: *a\n", RIGHT])] * 2,
        [text_of(HEADS[6], ["  {n}: *a\n", RIGHT])] * 2,
        [text_of(HEADS[2], [exam]) for exam in EXAMS[:26]],
    ],
)
@pytest.mark.parametrize("held", [0, 2**30])
def test_odd_workspaces_are_read_ahead_as_ever(tmp_path, monkeypatch, texts, held):
    """What attacks on reading ahead have found, and what is nearly that."""
    monkeypatch.setattr(loading, "MOST_HELD", held)
    for number, text in enumerate(texts):
        (tmp_path / f"{chr(97 + number)}.yaml").write_text(text.replace("e0", f"f{number}"))
    # An exam with an error cannot be read again by itself, but its lines may still tell of places.
    plainly = loaded(tmp_path, ahead=False, environment=Environment(), are_lines_asked=not held)
    for batch in (100, 100_000):
        assert loaded(tmp_path, ahead=True, environment=Environment(), batch=batch) == plainly


def test_places_after_several_byte_order_marks_are_those_of_the_text(tmp_path):
    """The parser takes one of them away by itself, and what stands behind is where it would stand without."""
    for number, marks in enumerate(("", "\ufeff", "\ufeff\ufeff")):
        text = marks + text_of(TOP, [EXAMS[13]]).replace("e0", f"f{number}")
        (tmp_path / f"{number}.yaml").write_text(text)
    found = loaded(tmp_path, ahead=False, environment=Environment()).diagnostics
    assert len({(each.span.start.line, each.span.start.column) for each in found if each.span}) == 1
    assert len(found) == 3


@pytest.mark.parametrize("most", [60, 73, 78, 83, 120])
def test_the_number_of_values_is_bounded_alike(tmp_path, monkeypatch, most):
    """Also of a file that cannot be cut, and that is read without marks."""
    text = text_of(TOP, [RIGHT, RIGHT, RIGHT]).replace("exams:", "'exams':")
    (tmp_path / "0.yaml").write_text(text)
    loaded(tmp_path, ahead=False, environment=Environment())  # how often is counted depends on known keys
    for module in (yaml_walker, yaml_unmarked, yaml_slices):
        monkeypatch.setattr(module, "MAX_WRITTEN", most)
    plainly = loaded(tmp_path, ahead=False, environment=Environment())
    assert loaded(tmp_path, ahead=True, environment=Environment()) == plainly
    assert any(found.code == "too-large" for found in plainly.diagnostics) == (most < 120)


def test_files_are_no_longer_parsed_together_where_that_is_in_vain(monkeypatch):
    """After some batches that had to be parsed file by file, no time is lost on that any more."""
    tried = []
    monkeypatch.setattr(
        reading_ahead, "parse_together", lambda slices: (tried.append(len(slices)), parse_together(slices))[1]
    )
    ahead = ReadingAhead(Environment())
    odd = [Piece(text_of(TOP, ["  {n}: &x {{a: 1}}\n"]).encode())] * 3
    for _ in range(10):
        ahead.read(odd)
    assert tried == [2, 3, 3, 3]


def test_few_heads_are_remembered():
    """What is kept for files to come does not grow with the heads of those that were read."""
    ahead = ReadingAhead(Environment())
    for number in range(200):
        text = text_of(TOP + "#" * 50_000 + f"{number}\n", [RIGHT])
        ahead.read([Piece(text.encode()), Piece(text.encode())])
    assert 0 < len(ahead._heads) <= 22


def test_what_is_ordinary_is_declared_ahead():
    """Exams with which nothing is wrong are ready, or the test above would show nothing."""
    head = HEADS[2].replace("  wrong: {status: [maybe]}\n", "")
    text = text_of(head, EXAMS[:3] + EXAMS[13:14] + EXAMS[25:26])
    _, parsed = ReadingAhead(Environment()).read([Piece(text.encode()), Piece(text.encode())])
    assert parsed is not None
    assert list(parsed.document.ready) == ["e0", "e1", "e2", "e4"]
    exams = parsed.document.root["exams"]
    assert isinstance(exams, Mapping)
    assert [exams[key] is None for key in exams] == [True, True, True, False, True]
    assert text.startswith(f"{head}exams:\n", 0, parsed.head)
    again = unpack(pack(parsed))
    assert again.document.ready == parsed.document.ready
    assert [use.dotted_path for use in again.document.ready["e0"].secrets] == ["configuration.password"]


@given(
    files=st.lists(
        st.tuples(
            st.lists(
                st.one_of(st.sampled_from([*ENTRIES, RIGHT]), st.sampled_from([*ENTRIES, *TRICKS])),
                max_size=2,
            ),
            st.sampled_from(["\n", "\n", "", "\n\n", " # end", "\n  # end\n"]),
        ),
        min_size=2,
        max_size=4,
    )
)
@settings(max_examples=400)
def test_files_parsed_together_hold_what_each_holds(files):
    """Values, places and secrets are those of the file alone; what one leaves open no other closes."""
    slices = []
    for number, (entries, end) in enumerate(files):
        text = "".join(entry.format(n=f"f{number}{at}") for at, entry in enumerate(entries))
        found = cut(f"{'#' * number}\nexams:\n{text.rstrip()}{end}", 2**30)
        if found is not None:
            slices += found.slices
    together = parse_together(slices)
    alone = [parse_unmarked(piece.data, piece.by) for piece in slices]
    for one, other in zip(alone, together or (), strict=together is not None):
        assert one is not None
        held = entries_of(one)
        assert held is not None
        assert same(held, other.document.root["exams"])
        assert one.document.root.value_at("exams") == other.document.root.value_at("exams")
        assert (one.secrets, one.secret_values) == (other.secrets, other.secret_values)


@pytest.mark.parametrize(
    "texts",
    [
        ("  a: 'open\n", "  b: x'\n  c: {d: 1}\n"),
        ("  a: [1,\n", "  b: 2]\n  c: {d: 1}\n"),
        ("  a: {d: 1} # end", "  b: {d: 1}\n  c: {d: 1}\n"),
        ("  a: |\n   text", "  b: {d: 1}\n  c: {d: 1}\n"),
        ("  a: {d: 1}\n", "   b: {d: 1}\n"),
    ],
    ids=["quotes", "brackets", "a comment", "a block of text", "other indentation"],
)
def test_what_one_file_leaves_open_is_not_closed_by_the_next(texts):
    """Together they would be right, and say something that none of them says."""
    slices = [piece for text in texts if (found := cut(f"\nexams:\n{text}", 99)) for piece in found.slices]
    assert len(slices) == 2
    assert parse_together(slices) is None


def test_ordinary_files_are_parsed_together():
    """Files with exams in order are, or the test above would show nothing; the same exams twice are not."""
    texts = [text_of(TOP, [RIGHT.replace("{n}", f"f{number}")]) for number in range(3)]
    slices = [piece for text in texts if (found := cut(text, 2**30)) for piece in found.slices]
    parsed = parse_together(slices)
    assert parsed is not None
    assert [list(part.document.root["exams"]) for part in parsed] == [["f0"], ["f1"], ["f2"]]
    assert parse_together([slices[0], slices[0]]) is None


@pytest.mark.parametrize("extends", ["", "extends: [base.yml]\n"])
@pytest.mark.parametrize("most", [8, 9, 11, 12, 15])
def test_what_is_merged_is_counted_as_ever(tmp_path, monkeypatch, most, extends):
    """However a file is cut, and whatever is wrong with some exams, the same number of values is too much."""
    monkeypatch.setattr(ground, "MAX_MERGED_NODES", most)
    wrong, short = EXAMS[13] + "    profiles: [short]\n", RIGHT + "    profiles: [short]\n"
    (tmp_path / "base.yml").write_text("version: 1\n")
    head = TOP + extends + "profiles: {short: {status: active, description: short}}\n"
    (tmp_path / "0.yaml").write_text(text_of(head, [short, wrong, short, short]))
    plainly = loaded(tmp_path, ahead=False, environment=Environment())
    for batch in (100, 100_000):
        assert loaded(tmp_path, ahead=True, environment=Environment(), batch=batch) == plainly
    assert any(found.code == "too-large" for found in plainly.diagnostics) == (most < 12)


def test_what_is_doubtful_gets_its_marks():
    """An exam about which something is to be said comes with the marks that it has in the whole text."""
    text = "\ufeff" + text_of(HEADS[0], [RIGHT, EXAMS[13], RIGHT, EXAMS[22]])
    parsed = ReadingAhead(Environment()).read([Piece(text.encode())])[0]
    marked = parse_quietly(text.encode())
    assert parsed is not None
    assert marked is not None
    assert list(parsed.document.ready) == ["e0", "e2"]
    exams, expected = parsed.document.root["exams"], marked.document.root["exams"]
    assert isinstance(exams, Mapping)
    assert isinstance(expected, Mapping)
    for key in ("e1", "e3"):
        assert same(exams[key], expected[key])


def test_where_little_is_in_order_marks_are_kept_from_the_beginning():
    """Once many more exams were wrong than right, none is read twice any more."""
    ahead = ReadingAhead(Environment())

    def ready_of(*exams: str) -> int:
        parsed = ahead.read([Piece(text_of(HEADS[0], list(exams)).encode())])[0]
        assert parsed is not None
        return len(parsed.document.ready)

    wrong = [EXAMS[13]] * 30
    assert ready_of(RIGHT, *wrong) == ready_of(RIGHT) == ready_of(RIGHT, *wrong) == 1
    assert ready_of(RIGHT) == 0


def test_a_file_that_extends_others_is_left_to_who_knows_them():
    """Its exams are read without marks, and declared where the other files are known."""
    parsed = ReadingAhead(Environment()).read([Piece(text_of(HEADS[5], [RIGHT]).encode())])[0]
    assert parsed is not None
    assert not parsed.document.ready
    exams = parsed.document.root["exams"]
    assert isinstance(exams, Mapping)
    exam = exams["e0"]
    assert isinstance(exam, Mapping)
    assert exam.is_unmarked


def without_marks(value: Value) -> object:
    """`value` in types that compare without marks, keys in their order."""
    if isinstance(value, Mapping):
        return [(key, without_marks(item)) for key, item in value.items()]
    if isinstance(value, Sequence):
        return [without_marks(item) for item in value]
    return type(value), value


@given(entries=st.lists(st.sampled_from(ENTRIES + EXAMS + TRICKS), min_size=1, max_size=6))
@settings(max_examples=200)
def test_values_without_marks_are_the_values(entries):
    """Values, secrets, comments and counts do not depend on whether marks are kept."""
    data = text_of(HEADS[0], entries).encode()
    marked, unmarked = parse_quietly(data), parse_unmarked(data)
    assert (marked is None) == (unmarked is None)
    if marked is None or unmarked is None:
        return
    assert without_marks(unmarked.document.root) == without_marks(marked.document.root)
    assert unmarked.document.root.marks == marked.document.root.marks
    assert (unmarked.secrets, unmarked.secret_values) == (marked.secrets, marked.secret_values)
    assert (unmarked.document.at, unmarked.document.comments, unmarked.document.written) == (
        marked.document.at,
        marked.document.comments,
        marked.document.written,
    )


@pytest.mark.parametrize(
    "entry",
    [
        "  {n}: {{a: &x 1, b: *x}}\n",
        "  {n}: {{a: !!str 1}}\n",
        "  {n}: {{<<: {{a: 1}}}}\n",
        "  {n}: {{a: 1, a: 2}}\n",
        "  {n}: {{1: 2}}\n",
        "  {n}: {{? [a] : 2}}\n",
        f"  {{n}}: {'[' * 70}{']' * 70}\n",
        "  ? {n}\n  : {{a: 1}}\n",
    ],
)
def test_what_is_out_of_the_ordinary_has_all_its_marks(entry):
    """Where the quick way does not lead, a text is read as ever, or not at all."""
    data = text_of(HEADS[0], [RIGHT, entry]).encode()
    unmarked = parse_unmarked(data)
    assert (unmarked is None) == (parse_quietly(data) is None)
    if unmarked is not None:
        exams = unmarked.document.root["exams"]
        assert isinstance(exams, Mapping)
        assert not any(exam.is_unmarked for exam in exams.values() if isinstance(exam, Mapping))


def test_places_in_what_has_no_marks_are_not_made_up():
    """Whoever asks where a value without marks stands is told that nobody knows."""
    parsed = parse_unmarked(text_of(HEADS[0], [RIGHT + "    profiles: [short]\n"]).encode())
    assert parsed is not None
    exams = parsed.document.root["exams"]
    assert isinstance(exams, Mapping)
    exam = exams["e0"]
    assert isinstance(exam, Mapping)
    profiles = exam["profiles"]
    assert isinstance(profiles, Sequence)
    for ask in (
        lambda: exam.key_at("title"),
        lambda: exam.value_at("title"),
        exam.stretches,
        lambda: profiles.item_at(0),
    ):
        with pytest.raises(Unmarked):
            ask()
    assert Mapping().stretches() == {}


TREES = st.recursive(
    st.sampled_from(["1", "text", "[1, 2]"]),
    lambda inner: st.dictionaries(
        st.sampled_from(["course", "courseSid", "contactUser", "configuration", "password", "a"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)


def flow(tree: object) -> str:
    """`tree` as YAML in braces."""
    if not isinstance(tree, dict):
        return str(tree)
    return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in tree.items()) + "}"


@given(upper=TREES, lower=TREES)
@settings(max_examples=200)
def test_merging_does_not_depend_on_marks(upper, lower):
    """What is merged has the same keys in the same order, and the same values."""
    data = f"defaults: {flow(lower)}\nexams:\n  e: {flow(upper)}\n".encode()
    marked, unmarked = parse_quietly(data), parse_unmarked(data)
    assert marked is not None
    assert unmarked is not None
    results = []
    for root in (marked.document.root, unmarked.document.root):
        exams, below = root["exams"], root["defaults"]
        assert isinstance(exams, Mapping)
        exam = exams["e"]
        if not isinstance(exam, Mapping) or not isinstance(below, Mapping):
            return
        results.append(without_marks(merged(exam, below)))
    assert results[0] == results[1]


def test_a_piece_knows_how_far_its_marks_are_moved():
    """Marks of the exams of a piece are told as those of the whole text."""
    text = text_of(HEADS[0], [RIGHT, RIGHT])
    start = text.index("  e1:")
    piece = Piece(text, start, len(text), "exams:\n", f"{HEADS[0]}exams:\n".encode())
    parsed = ReadingAhead(Environment()).read([piece])[0]
    assert parsed is not None
    assert list(parsed.document.ready) == ["e1"]
    exams = parsed.document.root["exams"]
    assert isinstance(exams, Mapping)
    assert exams.key_at("e1") == Stretch(start + 2, start + 4)
