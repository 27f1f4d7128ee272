"""A term is closed: nothing is created twice, lost or shouted about."""

import json
import re
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

CLOSED = 'version: 1\nremoved: [{exam: "2031fa/*"}]\n'
AFTER = ("--now", "2032-01-02T00:00:00Z")
SID = f"EX{'7' * 32}"
EXAM = """\
  cs101/{name}:
    course: cs
    title: Exam {name}
    url: https://lms.example.edu/{term}/{name}
    configuration:
      examOpenDate: {{week: {week}, day: Mon, at: "09:00"}}
      examCloseDate: {{after: examOpenDate, days: 2}}
"""
BLOCKS = f"""\
version: 1
imports: [{{exam: 2031fa/cs101/adopted, sid: {SID}}}]
moved: [{{from: 2031fa/cs101/mid, to: 2031fa/cs101/midterm}}]
accepted: [{{exam: 2031fa/cs101/final, digest: "sha256:{"0" * 64}"}}]
distinct: [{{exam: 2031fa/cs101/final, from: 2031fa/cs101/midterm}}]
"""


class Year(Workspace):
    """A workspace with the exams of two terms, the first of which exists, and blocks about it."""

    def __init__(self, root: Path, url: str) -> None:
        super().__init__(root)
        self.url = url
        terms = (
            "2031fa: {starts: 2031-08-25, ends: 2031-12-12}, 2032sp: {starts: 2032-01-12, ends: 2032-05-07}"
        )
        self.write(f"version: 1\nmanifests: [exams]\nterms: {{{terms}}}\n", "reconciler.yaml")
        self.declare_term("2031fa", "1")
        self.write(BLOCKS, "exams/settled.yaml")
        self.run("init")
        self.apply(url)

    def declare_term(self, term: str, digit: str) -> None:
        """Declare three exams of `term`, in a course of its own."""
        (self.root / "exams" / term).mkdir(parents=True)
        names = ("midterm", "adopted", "final")
        exams = "".join(EXAM.format(name=name, term=term, week=5 + names.index(name)) for name in names)
        text = MANIFEST.replace("CU1234567890abcdef1234567890abcdef", f"CU{digit * 32}")
        self.write(f"{text}{exams}term: {term}\n", f"exams/{term}/cs101.yaml")

    def close(self) -> None:
        """Remove the term's file and have its exams forgotten."""
        (self.root / "exams/2031fa/cs101.yaml").unlink()
        self.write(CLOSED, "exams/closed.yaml")

    def plan(self) -> dict:
        """The document of a plan that is made when the first term is over."""
        return json.loads(self.run("plan", "--format", "json", *AFTER))


@pytest.fixture
def year(tmp_path):
    """Such a workspace, and a sandbox to which it applies."""
    with running(Settings(port=0)) as sandbox:
        year = Year(tmp_path, sandbox.url)
        year.sandbox = sandbox
        yield year


def test_past_exams_that_exist_are_no_news(year):
    """Their windows are told by `validate` alone, as it knows no state; with one, they are not."""
    assert year.plan().get("warnings", []) == []
    told = year.run("validate", *AFTER)
    assert told.count("window-over") == 2, told
    assert "cs101/adopted" not in told  # `imports` says that it exists
    assert "no problems found" in year.run("validate", "--state", "file:exams.state.json", *AFTER)
    year.declare_term("2032sp", "2")
    late = ("--state", "file:exams.state.json", "--now", "2032-06-01T00:00:00Z")
    assert year.run("validate", *late).count("window-over") == 3
    assert "file:no.state.json" in year.refused("validate", "--state", "file:no.state.json")


def test_a_term_is_closed_by_one_glob(year):
    """Each exam of it is listed and forgotten, nothing is sent, and what is left says nothing."""
    sent = len(year.sandbox.created)
    assert year.run("state", "list", "2031fa/*").count("2031fa/cs101/") == 3
    year.close()
    assert "points-nowhere" in year.run("validate")
    summary = year.plan()["summary"]
    assert (summary["forget"], summary["create"], summary["orphaned"]) == (3, 0, 0)
    year.apply(year.url)
    assert year.state["exams"] == {}
    assert len(year.sandbox.created) == sent
    assert "matches no address" in year.refused("state", "list", "2031fa/*")


def test_blocks_about_a_closed_term_are_told_in_one_line(year):
    """All but the import, which might be meant for an exam of the next term, are done."""
    year.close()
    year.apply(year.url)
    warned = [line for line in year.run("validate").splitlines() if "points-nowhere" in line]
    assert [line for line in warned if "is to be imported" not in line] == []
    notes = {note["code"]: note["message"] for note in year.plan()["notes"]}
    assert notes.keys() == {"done", "points-nowhere"}
    assert notes["done"].startswith("4 blocks are done")
    assert "the import of 2031fa/cs101/adopted does nothing" in notes["points-nowhere"]


def test_the_next_term_begins_before_or_after(year):
    """Its exams are created once, whether last term is closed with it or before; an old import is refused."""
    year.close()
    year.declare_term("2032sp", "2")
    summary = year.plan()["summary"]
    assert (summary["forget"], summary["create"]) == (3, 3)
    year.apply(year.url, "--target", "2031fa/*")
    (refused,) = year.plan()["refused"]
    assert refused["code"] == "points-nowhere"
    assert refused["addresses"] == ["2031fa/cs101/adopted", "2032sp/cs101/adopted"]
    year.write(re.sub(r"imports.*\n", "", BLOCKS), "exams/settled.yaml")
    assert year.plan()["refused"] == []
    before = len(year.sandbox.created)
    year.apply(year.url)
    assert len(year.sandbox.created) == before + 3
    assert year.plan()["summary"] | {"noop": 0} == dict.fromkeys(summary, 0)


def test_a_term_closed_too_early_is_adopted_again(year):
    """Declared again with the SIDs of the list, nothing is created a second time."""
    sids = {address: entry["sid"] for address, entry in year.state["exams"].items()}
    text = (year.root / "exams/2031fa/cs101.yaml").read_text()
    year.close()
    year.apply(year.url)
    (year.root / "exams/closed.yaml").unlink()
    (year.root / "exams/settled.yaml").unlink()
    adopted = ", ".join(
        f"{{exam: {address.removeprefix('2031fa/')}, sid: {sid}}}" for address, sid in sids.items()
    )
    year.write(f"{text}imports: [{adopted}]\n", "exams/2031fa/cs101.yaml")
    before = len(year.sandbox.created)
    year.apply(year.url)
    assert len(year.sandbox.created) == before
    assert {address: entry["sid"] for address, entry in year.state["exams"].items()} == sids
