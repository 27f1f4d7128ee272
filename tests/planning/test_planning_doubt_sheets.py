"""Sheets that settle exams in doubt: what is read, what is refused with its line, and all or nothing."""

import csv
import io
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import NOW, created, doubted, sid, state

from reconciler.model.errors import ResolutionRefused
from reconciler.model.report import SheetResult
from reconciler.model.state import ResolutionMethod, State
from reconciler.planning.doubt_sheet import settle_sheet
from reconciler.planning.state_edits import Editor

KNOWN = state(created("made"), doubted("a", "b", "c"))
BY = Editor(by="a person", at=NOW + timedelta(hours=1))
HEAD = "address,attempt,sid\n"
TWO = f"a,try-a,{sid(7)}\nb,try-b,absent\n"


def settled(text: str | bytes, known: State = KNOWN) -> tuple[State, SheetResult]:
    """The state after the sheet `text`, and what the sheet did."""
    return settle_sheet(known, text.encode() if isinstance(text, str) else text, name="s.csv", editor=BY)


def mistakes(text: str | bytes, known: State = KNOWN) -> list[str]:
    """Place and message of each mistake of the sheet `text`, which is refused."""
    with pytest.raises(ResolutionRefused) as caught:
        settled(text, known)
    assert caught.value.hint.startswith("Nothing was changed.")
    assert all(found.hint for found in caught.value.diagnostics)
    return [f"{found.span and found.span.start}: {found.message}" for found in caught.value.diagnostics]


def test_a_filled_in_sheet_settles_what_it_answers():
    """SIDs and `absent` end doubts as the single commands do; an empty cell leaves its doubt."""
    after, result = settled(f"{HEAD}{TWO}c,try-c,\n")
    assert (list(after.exams), list(after.intents)) == (["made", "a"], ["c"])
    assert after.exams["a"].sid == sid(7)
    ends = [(one.address, one.attempt, one.sid, one.how, one.by) for one in after.resolutions]
    assert ends == [
        ("a", "try-a", sid(7), ResolutionMethod.RESOLVE_SID, "a person"),
        ("b", "try-b", None, ResolutionMethod.RESOLVE_ABSENT, "a person"),
    ]
    assert result == SheetResult(found={"a": sid(7), "b": None}, unanswered=("c",), known=())


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{HEAD}{TWO}",
        (HEAD + TWO).replace(",", ";"),
        (HEAD + TWO).replace(",", "\t"),
        (HEAD + TWO).replace("\n", "\r\n"),
        (HEAD + TWO).replace("\n", "\r"),
        f"{HEAD}{TWO}\n,,\n  \n\n",
        f"\n{HEAD}\n{TWO}",
        f"Address, ATTEMPT ,sid\n a , try-a ,'{sid(7)} \nb,try-b,Absent\n",
        f'"address","attempt","sid"\n"a","try-a","{sid(7)}"\n"b","try-b","absent"\n',
        f'sid,note,attempt,address\n{sid(7)},"two\r\nlines, ""quoted""",try-a,a\nabsent,=1+1,try-b,b\n',
        f"address,attempt,sid,title\na,try-a,{sid(7)},Pr\u00fcfung \u2028 \x0b x\nb,try-b,absent\n",
    ],
)
def test_whatever_a_spreadsheet_writes_is_read(text):
    """Byte-order marks, separators, line ends, quotes, spaces and further columns change nothing."""
    assert settled(text) == settled(HEAD + TWO)


def test_all_wrong_lines_are_named_in_one_run():
    """Each with its line in the file, also behind a cell of several lines."""
    text = (
        'address,attempt,sid,note\na,try-a,absent,"1\n2\n3"\n'
        f"b,try-x,absent\nb,try-b,absent\nx,try-x,absent\nmade,try-m,{sid(8)}\nc,try-c,{sid(1)}\n"
        "not an address,try,absent\nc c,try-c,\n"
    )
    assert mistakes(text) == [
        "s.csv:5:1: b is in doubt about the attempt try-b, not try-x",
        "s.csv:6:1: b is on line 5 as well",
        "s.csv:7:1: x is not in doubt: it is not in state",
        f"s.csv:8:1: made is not in doubt: it is created already, as {sid(1)}",
        f"s.csv:9:1: {sid(1)} is held by made, so it cannot be c as well",
        "s.csv:10:1: 'not an address' is not an address",
        "s.csv:11:1: 'c c' is not an address",
    ]


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (f"a,try-a,{sid(7)}\nb,try-b,{sid(7)}\n", f"3:1: {sid(7)} is on line 2 as well"),
        ("a,try-a,absent\na,try-a,absent\n", "3:1: a is on line 2 as well"),
        ("a,try-a,\na,try-a,absent\n", "3:1: a is on line 2 as well"),
        (f"a,try-a,EX{'AB' * 16}\n", f"2:1: 'EX{'AB' * 16}' is not an exam's SID"),
        (f"a,try-a,{sid(7)[:-1]}\n", f"2:1: '{sid(7)[:-1]}' is not an exam's SID"),
        (f"a,try-a,CU{sid(7)[2:]}\n", f"2:1: 'CU{sid(7)[2:]}' is not an exam's SID"),
        ("a,try-a,yes\n", "2:1: 'yes' is not an exam's SID"),
        ("a,,absent\n", "2:1: a is in doubt about the attempt try-a, not an empty one"),
        ("a,,\n", "2:1: a is in doubt about the attempt try-a, not an empty one"),
        ("zz,try-a,\n", "2:1: zz is not in doubt"),
        (",try-a,absent\n", "2:1: '' is not an address"),
        ("a,try-a,absent,,x\n", "2:1: the line has more cells than the first line"),
        ('a,try-a,"absent\nb,try-b,\n', "2:1: the line cannot be read as CSV"),
        ('a,try-a,"absent"x\n', "2:1: the line cannot be read as CSV"),
        (f"a,try-a,{'x' * 200_000}\n", "2:1: the line cannot be read as CSV"),
        (f"a,try-a,{'x' * 100_000}\n", "2:1: 'xxx"),
    ],
)
def test_a_wrong_line_refuses_the_sheet(lines, wrong):
    """The line is named, and what is right beside it is not carried out either."""
    (found,) = mistakes(f"{HEAD}{lines}")
    assert found.startswith(f"s.csv:{wrong}")
    assert len(found) < 400


@pytest.mark.parametrize(
    ("sheet", "wrong"),
    [
        (b"", "1:1: the first line does not name the column 'address', 'attempt', 'sid' once"),
        (b"<!doctype html><table><tr><td>address,attempt,sid", "1:1: the first line does not name"),
        (b"address,attempt\na,try-a\n", "1:1: the first line does not name the column 'sid' once"),
        (b"address,attempt,sidd\n", "1:1: the first line does not name the column 'sid' once"),
        (b"address,attempt,sid,sid\n", "1:1: the first line does not name the column 'sid' once"),
        (b"\n\na,try-a,absent\n", "3:1: the first line does not name"),
        ((HEAD + TWO).encode("utf-16"), "1:1: the text is not UTF-8"),
        (f"{HEAD}a,try-a,absent\nb,try-b,\u00fc".encode("latin-1"), "3:1: the text is not UTF-8"),
        (b"PK\x03\x04\xff\xfe", "1:1: the text is not UTF-8"),
        (f"{HEAD}a,try-a,abs\0ent\n".encode(), "2:1: the text holds a NUL character"),
    ],
)
def test_what_is_no_sheet_is_refused(sheet, wrong):
    """One message says what is wrong, and its hint how a sheet is made."""
    (found,) = mistakes(sheet)
    assert found.startswith(f"s.csv:{wrong}")


def test_a_sheet_may_be_run_twice():
    """What state remembers to be settled like that is said, and is no mistake; another answer is one."""
    text = f"{HEAD}{TWO}c,try-c,\n"
    after, _ = settled(text)
    again, result = settled(text, after)
    assert again == after
    assert result == SheetResult(found={}, unanswered=("c",), known=("a", "b"))
    assert settled(f"{HEAD}a,try-a,\nb,try-b,\n", after)[1].known == ("a", "b")
    assert mistakes(f"{HEAD}a,try-a,absent\n", after) == [
        f"s.csv:2:1: a is not in doubt: it is created already, as {sid(7)}"
    ]
    assert mistakes(f"{HEAD}b,try-b,{sid(8)}\n", after) == [
        "s.csv:2:1: b is not in doubt: it was settled by `resolve --absent` before, by a person"
    ]


def test_a_sheet_about_an_earlier_attempt_is_refused():
    """An exam that was absent, sent again and is in doubt again has to be looked for again."""
    after, _ = settled(f"{HEAD}b,try-b,absent\n")
    later = state({}, {"b": doubted("x")["x"]}).with_resolutions(*after.resolutions)
    assert mistakes(f"{HEAD}b,try-b,absent\n", later) == [
        "s.csv:2:1: b is in doubt about the attempt try-x, not try-b"
    ]


def test_an_address_may_look_like_an_sid():
    """Two columns are not taken for one another."""
    name = sid(9)
    after, _ = settled(f"{HEAD}a,try-a,{name}\n{name},try-{name},absent\n", state({}, doubted("a", name)))
    assert not after.intents


def test_a_hostile_sheet_does_not_hold_the_lock():
    """A hundred thousand wrong lines are refused at once, without a search for what each may have meant."""
    known = state(
        created(*(f"m{n}" for n in range(1000))), doubted(*(f"2031fa/cs{n}/final" for n in range(500)))
    )
    lines = "".join(f"2031fa/cs{n}/finals,try,absent\n" for n in range(100_000))
    begun = time.process_time()
    assert len(mistakes(HEAD + lines, known)) == 1000
    assert time.process_time() - begun < 5


CELLS = st.sampled_from(["a", "b", "c", "made", "x", "try-a", "try-b", "", "absent", sid(1), sid(7), sid(8)])
ROWS = st.lists(st.lists(CELLS | st.text(max_size=8), max_size=5), max_size=8)


@given(text=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_breaks_it(text):
    """Whatever the bytes, and whatever follows a right header, it is settled or refused with a place."""
    for sheet in (text, HEAD.encode() + text):
        check_all_or_nothing(sheet)


@given(rows=ROWS, separator=st.sampled_from(",;\t"))
def test_all_or_nothing(rows, separator):
    """Whatever the cells, either each answered line is settled and nothing else, or the sheet is refused."""
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows([["address", "attempt", "sid"], *rows])
    check_all_or_nothing(written.getvalue().encode("utf-8", "replace"))


def check_all_or_nothing(sheet: bytes) -> None:
    """Check that `sheet` is refused with its lines, or that just what it found is settled."""
    try:
        after, result = settled(sheet)
    except ResolutionRefused as refused:
        if not refused.diagnostics:
            raise
        return
    assert set(KNOWN.intents) - set(after.intents) == set(result.found)
    assert {address: entry.sid for address, entry in after.exams.items()} == {"made": sid(1)} | {
        address: found for address, found in result.found.items() if found is not None
    }
    assert len(after.resolutions) == len(result.found)
    assert not set(result.unanswered) & set(result.found)
