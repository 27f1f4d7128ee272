"""Lifecycle blocks: what contradicts is refused at its place, with the other place; what is stale is not."""

import pytest

from reconciler.manifest.loader import load
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Severity

HEAD = """version: 1
installSid: AI1234567890abcdef1234567890abcdef
courses: {cs: CU1234567890abcdef1234567890abcdef}
exams:
"""
EXAM = """  %s:
    course: cs
    title: %s
    type: Written
    useProctorManager: true
    url: N/A
    requireApproval: false
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration: {duration: 60}
"""
DIGEST = f"sha256:{'0f' * 32}"
ONE, TWO = f"EX{1:032x}", f"EX{2:032x}"


def found(tmp_path, blocks, *exams):
    """The diagnostics of a file that declares `exams`, with `blocks` in another file."""
    (tmp_path / "a.yaml").write_text(HEAD + "".join(EXAM % (exam, exam) for exam in exams or ("z",)))
    (tmp_path / "b.yaml").write_text(f"version: 1\n{blocks}")
    loaded = load(["a.yaml", "b.yaml"], root=tmp_path, environment=Environment())
    return [each for each in loaded.diagnostics if each.span.start.file == "b.yaml"]


def place(diagnostic):
    """Line and column."""
    return diagnostic.span.start.line, diagnostic.span.start.column


CONTRADICTIONS = [
    ("imports", f"- {{exam: a, sid: {ONE}}}\n- {{exam: a, sid: {TWO}}}", "duplicate-address", (4, 10)),
    ("imports", f"- {{exam: a, sid: {ONE}}}\n- {{exam: b, sid: {ONE}}}", "duplicate-sid", (4, 10)),
    ("moved", "- {from: x, to: a}\n- {from: x, to: b}", "duplicate-address", (4, 10)),
    ("moved", "- {from: x, to: a}\n- {from: y, to: a}", "duplicate-address", (4, 10)),
]


@pytest.mark.parametrize(("block", "items", "code", "at"), CONTRADICTIONS)
def test_contradictions_within_a_block_name_both_places(tmp_path, block, items, code, at):
    """The second is refused at its place, and its message names the first."""
    (only,) = found(tmp_path, f"{block}:\n{items}\n", "a", "b")
    assert (only.code, only.severity, place(only)) == (code, Severity.ERROR, at)
    assert "b.yaml:3:10" in only.message


def test_absent_and_imported_is_refused_at_both_names(tmp_path):
    """One exam cannot exist and not exist; moves make one exam of two names."""
    blocks = (
        f"imports: [{{exam: a, sid: {ONE}}}]\nmoved: [{{from: x, to: a}}]\n"
        "absent: [{exam: x, attempt: t}]\n"
    )
    (only,) = found(tmp_path, blocks, "a")
    assert (only.code, place(only)) == ("absent-and-imported", (4, 17))
    assert f"to exist as {ONE} at b.yaml:2:18" in only.message


@pytest.mark.parametrize(
    ("items", "drawn"),
    [
        ("{from: a, to: b}, {from: b, to: c}, {from: c, to: a}", "a → b → c → a"),
        ("{from: a, to: b}, {from: b, to: a}", "a → b → a"),
        ("{from: a, to: a}", "a → a"),
        ("{from: x, to: a}, {from: a, to: b}, {from: b, to: a}", "a → b → a"),
    ],
)
def test_a_circle_of_moves_is_drawn(tmp_path, items, drawn):
    """At the place of one of its entries, once, declared or not."""
    diagnostics = found(tmp_path, f"moved: [{items}]\n", "a", "b", "c")
    circles = [each for each in diagnostics if each.code == "move-cycle"]
    (circle,) = circles
    assert circle.message == f"these moves go round in a circle: {drawn}"
    assert circle.span.start.line == 2
    assert "state mv" in circle.hint
    assert "Remove each move that was applied before" in circle.hint


def test_an_import_follows_later_moves(tmp_path):
    """An import by the address that the exam had then is no mistake, and may be said twice of one exam."""
    blocks = (
        f"imports: [{{exam: a, sid: {ONE}}}, {{exam: c, sid: {ONE}}}]\n"
        "moved: [{from: a, to: b}, {from: b, to: c}]\n"
    )
    assert found(tmp_path, blocks, "c") == []


def test_two_sids_for_one_exam_are_found_across_moves(tmp_path):
    """The old address and the new one are one exam."""
    blocks = f"imports: [{{exam: a, sid: {ONE}}}, {{exam: b, sid: {TWO}}}]\nmoved: [{{from: a, to: b}}]\n"
    (only,) = found(tmp_path, blocks, "b")
    assert (only.code, place(only)) == ("duplicate-address", (2, 70))
    assert only.message == f"'b' is imported as {TWO} and, at b.yaml:2:18, as {ONE}"


@pytest.mark.parametrize(
    ("blocks", "hint"),
    [
        (f"imports: [{{exam: cs/finale, sid: {ONE}}}]", "did you mean 'cs/final'?"),
        ("moved: [{from: x, to: cs/finale}]", "did you mean 'cs/final'?"),
        (f"imports: [{{exam: gone, sid: {ONE}}}]", "If that exam is gone, remove this block"),
        (f"accepted: [{{exam: cs/finale, digest: {DIGEST}}}]", "did you mean 'cs/final'?"),
        (f"accepted: [{{exam: gone, digest: {DIGEST}}}]", "If that exam is gone, remove this block"),
    ],
)
def test_a_block_for_no_declared_exam_is_a_warning(tmp_path, blocks, hint):
    """It may have been left behind: only state can tell, so nothing is blocked."""
    (only,) = found(tmp_path, f"{blocks}\n", "cs/final")
    assert (only.code, only.severity) == ("points-nowhere", Severity.WARNING)
    assert only.hint.startswith(hint)


def test_a_move_to_what_is_removed_is_right(tmp_path):
    """An exam that was renamed, and later forgotten, leaves two blocks that need no word."""
    assert found(tmp_path, "moved: [{from: a, to: b}, {from: b, to: c}]\nremoved: [{exam: c}]\n") == []


@pytest.mark.parametrize(
    ("blocks", "code", "at"),
    [
        ("distinct: [{exam: a, from: a}]", "distinct-from-itself", (2, 19)),
        ("distinct: [{exam: a, from: b}, {exam: b, from: a}]", "duplicate-address", (2, 39)),
        ("distinct: [{exam: a, from: ../b}]", "bad-address", (2, 28)),
        ("distinct: [{exam: 'a/[x]*', from: b}]", "bad-address", (2, 19)),
        ("distinct: [{exam: a, from: b, why: x}]", "unknown-field", (2, 31)),
        ("distinct: [{exam: a, from: b, reason: [x]}]", "wrong-type", (2, 31)),
        ("distinct: [{exam: a}]", "missing-field", (2, 12)),
        ("distinct: {exam: a}", "wrong-type", (2, 1)),
        ("removed: [{exam: 'x//*'}]", "bad-address", (2, 18)),
        ("moved: [{from: 'x/*', to: y}]", "bad-glob", (2, 16)),
        ("moved: [{from: x, to: 'y/*'}]", "bad-glob", (2, 16)),
        ("moved: [{from: 'x/*/*', to: 'y/*'}]", "bad-glob", (2, 16)),
        ("moved: [{from: 'x/?', to: 'y/?'}]", "bad-glob", (2, 16)),
        ("moved: [{from: 'x/*', to: 'a*'}, {from: 'x/*', to: 'b*'}]", "duplicate-address", (2, 41)),
        ("moved: [{from: 'x/*', to: 'a*'}, {from: 'a*', to: 'x/*'}]", "move-cycle", (2, 16)),
        (f"imports: [{{exam: 'a*', sid: {ONE}}}]", "bad-address", (2, 18)),
        ("absent: [{exam: 'a*', attempt: t}]", "bad-address", (2, 17)),
        (f"accepted: [{{exam: 'a*', digest: {DIGEST}}}]", "bad-address", (2, 19)),
        (f"accepted: [{{exam: a, digest: {DIGEST.upper()}}}]", "wrong-pattern", (2, 30)),
        (f"accepted: [{{exam: a, digest: {DIGEST[7:]}}}]", "wrong-pattern", (2, 30)),
        ("accepted: [{exam: a, digest: }]", "wrong-type", (2, 22)),
        ("accepted: [{exam: a}]", "missing-field", (2, 12)),
        (f"accepted: [{{exam: a, digest: {DIGEST}, reason: [x]}}]", "wrong-type", (2, 103)),
        (f"accepted: [{{exam: a, digest: {DIGEST}, sid: x}}]", "unknown-field", (2, 103)),
        (
            f"accepted: [{{exam: a, digest: {DIGEST}}}, {{exam: a, digest: {DIGEST}}}]",
            "duplicate-address",
            (2, 111),
        ),
    ],
)
def test_a_wrong_glob_or_distinction_is_told_at_its_place(tmp_path, blocks, code, at):
    """Each with what is wrong about it, and nothing more."""
    errors = [each for each in found(tmp_path, f"{blocks}\n", "a", "b") if each.severity is Severity.ERROR]
    assert [(each.code, place(each)) for each in errors] == [(code, at)]
    assert errors[0].hint


@pytest.mark.parametrize(
    ("blocks", "hint"),
    [
        ("distinct: [{exam: cs/finale, from: old}]", "did you mean 'cs/final'?"),
        ("distinct: [{exam: 'cs/*', from: 'hist/*'}]", "If that exam is gone, remove this block"),
        ("moved: [{from: 'x/*', to: 'hist/*'}]", "If that exam is gone, remove this block"),
    ],
)
def test_a_glob_or_distinction_for_no_declared_exam_is_a_warning(tmp_path, blocks, hint):
    """By name one of the two may be an orphan, which only state knows; globs are over declared exams."""
    (only,) = found(tmp_path, f"{blocks}\n", "cs/final")
    assert (only.code, only.severity) == ("points-nowhere", Severity.WARNING)
    assert only.hint.startswith(hint)


@pytest.mark.parametrize(
    "blocks",
    [
        "distinct: [{exam: a, from: old, reason: second room}]",
        "distinct: [{exam: a, from: b}, {exam: a, from: c}]",
        "distinct: [{exam: '*', from: '*'}, {exam: a, from: 'b*'}]",
        "moved: [{from: x, to: a}]\ndistinct: [{exam: x, from: b}]",
        f"moved: [{{from: x, to: a}}]\naccepted: [{{exam: x, digest: {DIGEST}}}]",
        "removed: [{exam: '*'}, {exam: 'old/?'}]",
        "moved: [{from: 'x/*', to: '*'}, {from: 'y/*', to: '*'}]",
        f"moved: [{{from: 'x/*', to: '*'}}]\nimports: [{{exam: x/a, sid: {ONE}}}, {{exam: a, sid: {ONE}}}]",
    ],
)
def test_what_is_right_needs_no_word(tmp_path, blocks):
    """Globs that match what is declared, and pairs with what only state knows."""
    assert found(tmp_path, f"{blocks}\n", "a", "b", "c") == []


def test_what_is_absent_and_imported_is_found_across_globs(tmp_path):
    """A glob makes one exam of two names, as a move by name does."""
    blocks = (
        f"imports: [{{exam: a, sid: {ONE}}}]\nmoved: [{{from: 'x/*', to: '*'}}]\n"
        "absent: [{exam: x/a, attempt: t}]\n"
    )
    (only,) = found(tmp_path, blocks, "a")
    assert (only.code, place(only)) == ("absent-and-imported", (4, 17))


def test_what_is_said_is_declared(tmp_path):
    """Exams, reason and place come out as they were written."""
    (tmp_path / "a.yaml").write_text(
        HEAD + EXAM % ("a", "a") + "distinct: [{exam: 'a*', from: b, reason: ' second room '}]\n"
    )
    (only,) = load(["a.yaml"], root=tmp_path, environment=Environment()).declared.distinctions
    assert (only.address, only.other, only.reason) == ("a*", "b", "second room")
    assert (only.declared_at.line, only.declared_at.column) == (15, 19)


def test_a_wrong_digest_is_told_with_its_form(tmp_path):
    """The hint says what a digest looks like; the value is shown as it was written."""
    (only,) = found(tmp_path, "accepted: [{exam: a, digest: sha256:abc}]\n", "a")
    assert only.message == "'sha256:abc' is not right for 'digest'"
    assert only.hint == "It must be sha256: and 64 hexadecimal digits in lower case."


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("the dean", "the dean"),
        ("' '", None),
        (r'"two\nlines \u202E"', "two lines \N{REPLACEMENT CHARACTER}"),
        ("x" * 3000, "x" * 1999 + "…"),
    ],
)
def test_a_reason_is_read_as_one_printable_line(tmp_path, written, read):
    """So it is reviewed as state keeps it."""
    (tmp_path / "a.yaml").write_text(
        HEAD + EXAM % ("a", "a") + f"accepted: [{{exam: a, digest: {DIGEST}, reason: {written}}}]\n"
    )
    (only,) = load(["a.yaml"], root=tmp_path, environment=Environment()).declared.accepted
    assert (only.address, only.digest, only.reason) == ("a", DIGEST, read)
    assert (only.declared_at.line, only.declared_at.column) == (15, 19)
