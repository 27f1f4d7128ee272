"""Files of a rollover: where the new ones are, base files, and that all are written or none."""

from pathlib import Path

import pytest
from rolled import COURSES, CU, DEFAULTS, EXAM, HEAD, NEW, OLD, put, rolled, workspace

from reconciler.model.errors import ManifestInvalid, UsageError
from reconciler.model.rollover import Rollover
from reconciler.workspace import Workspace

TEXT = f"{HEAD}{COURSES}{DEFAULTS}exams:\n  {EXAM}\n"
ROLLOVER = ("2031fa", "2032sp")


def sources(made: Rollover) -> dict[str, str]:
    """By the name of each new file, that of the file that it is made from."""
    return {file.name: file.source for file in made.files}


def text_of(made: Rollover, name: str = NEW) -> str:
    """The text of the new file `name`."""
    (found,) = (file for file in made.files if file.name == name)
    return found.content.decode()


def refusals(opened: Workspace) -> list[str]:
    """File, code and message of each error that keeps `opened` from being rolled over."""
    with pytest.raises(ManifestInvalid) as caught:
        opened.rollover(*ROLLOVER)
    return [
        f"{each.span and each.span.start.file} {each.code} {each.message}"
        for each in caught.value.diagnostics
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, NEW),
        ("exams/cs101-2031fa.yaml", "exams/cs101-2032sp.yaml"),
        ("2031fa/x/2031fa.yml", "2032sp/x/2032sp.yml"),
        ("exams/x2031fa/2031fax.yaml", "exams/x2031fa/2031fax-2032sp.yaml"),
        ("exams.yaml", "exams-2032sp.yaml"),
        ("a.b/c.d.yaml", "a.b/c.d-2032sp.yaml"),
    ],
)
def test_a_new_file_is_beside_the_old_one(tmp_path: Path, old: str, new: str) -> None:
    """The term's name in the path is replaced where it stands by itself; else it ends the file's name."""
    assert sources(rolled(tmp_path, TEXT, file=old)) == {new: old}


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    """The old file and the rest of the folder are as before; files that no command reads are named."""
    opened = workspace(tmp_path, TEXT)
    made = opened.rollover(*ROLLOVER)
    assert opened.write_rollover(made) == ()
    assert (tmp_path / NEW).read_bytes() == made.files[0].content
    assert (tmp_path / OLD).read_text() == TEXT
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "2031fa",
        "2032sp",
        "cs101.yaml",
        "cs101.yaml",
        "exams",
        "reconciler.yaml",
    ]
    opened = workspace(tmp_path, TEXT, file="exams.yaml")
    assert opened.write_rollover(opened.rollover(*ROLLOVER)) == ("exams-2032sp.yaml",)


def test_nothing_is_written_over_anything(tmp_path: Path) -> None:
    """All that is in the way is named, also a link to nowhere; nothing is made of the other files."""
    workspace(tmp_path)
    for name in ("a", "b", "c"):
        put(tmp_path, f"exams/2031fa/{name}.yaml", TEXT.replace("final", name).replace("Final", name))
    put(tmp_path, "exams/2032sp/a.yaml", "mine")
    (tmp_path / "exams/2032sp/b.yaml").symlink_to("nowhere")
    opened = Workspace.open(root=tmp_path, paths=["exams/2031fa"])
    assert refusals(opened) == [
        "exams/2031fa/a.yaml exists exams/2032sp/a.yaml exists already",
        "exams/2031fa/b.yaml exists exams/2032sp/b.yaml exists already",
    ]
    assert not (tmp_path / "exams/2032sp/c.yaml").exists()


def test_two_files_that_would_become_one_are_refused(tmp_path: Path) -> None:
    """Otherwise the exams of one of them were missing."""
    workspace(tmp_path, TEXT, file="exams/a.yaml")
    put(tmp_path, "exams/a-2031fa.yaml", TEXT.replace("final", "b").replace("Final", "b"))
    assert refusals(Workspace.open(root=tmp_path, paths=["exams"])) == [
        "exams/a.yaml exists exams/a-2032sp.yaml is also made from exams/a-2031fa.yaml"
    ]


@pytest.mark.parametrize("where", ["folder", "file"])
def test_all_files_are_written_or_none(tmp_path: Path, where: str) -> None:
    """A file that appears meanwhile, or stands where a folder is needed, leaves nothing behind."""
    workspace(tmp_path)
    put(tmp_path, "exams/2031fa/a.yaml", TEXT)
    put(tmp_path, "x/2031fa/b.yaml", TEXT.replace("final", "b").replace("Final", "b"))
    opened = Workspace.open(root=tmp_path, paths=["exams", "x"])
    made = opened.rollover(*ROLLOVER)
    put(tmp_path, "x/2032sp/b.yaml" if where == "file" else "x/2032sp", "mine")
    with pytest.raises(UsageError, match=r"^x/2032sp/b\.yaml (?:cannot be written: |exists already)"):
        opened.write_rollover(made)
    assert not (tmp_path / "exams/2032sp").exists()
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 4


def test_a_base_file_is_copied_if_it_holds_anything_of_the_term(tmp_path: Path) -> None:
    """One with dates is, and one that extends it; one that serves both terms is extended by both."""
    put(tmp_path, "exams/_all.yaml", f"version: 1\n{DEFAULTS}")
    put(
        tmp_path,
        "exams/_dates.yaml",
        f"version: 1\nextends: [_all.yaml]\ntimezone: Asia/Tokyo\n{COURSES}"
        "profiles: {final: {configuration: {examOpenDate: 2031-10-06T00:00Z}}}\n",
    )
    put(tmp_path, "exams/2031fa/_own.yaml", "version: 1\nextends: ['../_dates.yaml']\n")
    text = TEXT.replace(DEFAULTS, 'extends: [./_own.yaml, "../_all.yaml"]\n').replace(COURSES, "")
    made = rolled(tmp_path, text.replace("timezone: America/New_York\n", ""))
    assert sources(made) == {
        "exams/_dates-2032sp.yaml": "exams/_dates.yaml",
        "exams/2032sp/_own.yaml": "exams/2031fa/_own.yaml",
        NEW: OLD,
    }
    dates = text_of(made, "exams/_dates-2032sp.yaml")
    assert "extends: [_all.yaml]" in dates
    assert "courses: {2032sp-cs101: TODO}" in dates
    assert "examOpenDate: 2032-02-23T09:00+09:00" in dates
    assert "extends: ['../_dates-2032sp.yaml']" in text_of(made, "exams/2032sp/_own.yaml")
    assert 'extends: [./_own.yaml, "../_all.yaml"]' in text_of(made)
    assert "courses" not in text_of(made)


def test_a_copy_of_a_base_file_that_exists_is_used(tmp_path: Path) -> None:
    """The files of a term may be rolled over one by one; a note tells it."""
    put(tmp_path, "exams/_dates.yaml", "version: 1\ndefaults: {url: https://lms.example.edu/1}\n")
    put(tmp_path, "exams/_dates-2032sp.yaml", "filled in")
    made = rolled(tmp_path, TEXT.replace(DEFAULTS, f"extends: [../_dates.yaml]\n{DEFAULTS}"))
    assert sources(made) == {NEW: OLD}
    assert "extends: [../_dates-2032sp.yaml]" in text_of(made)
    assert [note.message for note in made.notes] == [
        "exams/_dates-2032sp.yaml exists, and is extended as it is"
    ]


def test_a_file_that_moves_to_another_depth_finds_its_base_files(tmp_path: Path) -> None:
    """The path is written anew where it leads elsewhere."""
    put(tmp_path, "exams/2031fa/_base.yaml", f"version: 1\n{DEFAULTS}")
    put(tmp_path, "exams/2032sp/_base.yaml", "mine")
    made = rolled(tmp_path, TEXT.replace(DEFAULTS, "extends: [2031fa/_base.yaml]\n"), file="exams/cs101.yaml")
    assert "extends: [2032sp/_base.yaml]" in text_of(made, "exams/cs101-2032sp.yaml")


def test_a_base_file_may_be_a_link(tmp_path: Path) -> None:
    """One for both terms is extended by the link's name, and a copy is beside the file itself."""
    put(tmp_path, "common/_base.yaml", f"version: 1\n{DEFAULTS}")
    put(tmp_path, "common/_url.yaml", "version: 1\ndefaults: {url: https://lms.example.edu/1}\n")
    put(tmp_path, "exams/2031fa/x", "")
    for name in ("_base", "_url"):
        (tmp_path / f"exams/2031fa/{name}.yaml").symlink_to(f"../../common/{name}.yaml")
    made = rolled(tmp_path, TEXT.replace(DEFAULTS, "extends: [_base.yaml, _url.yaml]\n"))
    assert "extends: [../2031fa/_base.yaml, ../../common/_url-2032sp.yaml]" in text_of(made)
    assert sources(made) == {"common/_url-2032sp.yaml": "common/_url.yaml", NEW: OLD}


def test_a_file_without_exams_is_left_out(tmp_path: Path) -> None:
    """Such as one that holds only blocks."""
    made = rolled(tmp_path, f"{HEAD}removed: [{{exam: x}}]\n")
    assert made.files == ()
    assert [note.message for note in made.notes] == [f"nothing is made from {OLD}"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither to a manifest, nor to a folder outside the workspace, which the new file would be in."""
    root = tmp_path / "workspace"
    put(root, "real.yaml", TEXT)
    put(tmp_path, "outside/x", "")
    workspace(root)
    (root / "exams").mkdir()
    (root / "exams/2031fa.yaml").symlink_to("../real.yaml")
    assert [each.split()[1] for each in refusals(Workspace.open(root=root, paths=["exams/2031fa.yaml"]))] == [
        "outside-workspace"
    ]
    put(root, "exams/2031fa/a.yaml", TEXT)
    (root / "exams/2032sp").symlink_to("../../outside")
    (found,) = refusals(Workspace.open(root=root, paths=["exams/2031fa/a.yaml"]))
    assert found.endswith("leads out of the workspace through a link")
    put(tmp_path, "elsewhere.yaml", TEXT)
    (found,) = refusals(Workspace.open(root=root, paths=[str(tmp_path / "elsewhere.yaml")]))
    assert "outside-workspace" in found


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\x1b[1m.yaml", "ä ö.yaml", "2031fa\u2028.yaml"])
def test_file_names_do_not_steer(tmp_path: Path, name: str) -> None:
    """A name with characters that are not shown is refused, since messages name another file."""
    opened = workspace(tmp_path, TEXT, file=f"exams/{name}")
    if name.isprintable():
        assert list(sources(opened.rollover(*ROLLOVER))) == ["exams/ä ö-2032sp.yaml"]
    else:
        assert [each.split()[1] for each in refusals(opened)] == ["outside-workspace"]


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("2031fx", "2032sp", "there is no term '2031fx'", "did you mean '2031fa'?"),
        ("2031fa", "summer", "there is no term 'summer'", "There are: '2031fa', '2032sp'."),
        ("2031fa", "2031fa", "2031fa is both the old and the new term", "Name two terms."),
    ],
)
def test_terms_must_be_two_that_the_workspace_defines(
    tmp_path: Path, old: str, new: str, message: str, hint: str
) -> None:
    """Each mistake is told with what there is."""
    with pytest.raises(UsageError) as caught:
        workspace(tmp_path, TEXT).rollover(old, new)
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


def test_short_names_may_be_those_of_several_environments(tmp_path: Path) -> None:
    """Without a choice, exams of all environments are copied."""
    courses = f"{{courses: {{cs101: {CU}}}}}"
    more = f"environments:\n  a: {courses}\n  b: {courses}\n"
    made = rolled(tmp_path, TEXT.replace(COURSES, ""), more=more)
    assert "  2032sp-cs101: TODO\n" in text_of(made)


def test_a_term_that_is_over_can_be_rolled_over(tmp_path: Path) -> None:
    """Findings that come with time are no errors, whatever the workspace says."""
    dated = EXAM.replace("duration: 9", "examOpenDate: 2001-10-06T09:00, examCloseDate: 2001-10-07T09:00")
    text = TEXT.replace(EXAM, dated).replace("2031fa", "2001fa")
    more = "  2001fa: {starts: 2001-08-27, ends: 2001-12-14}\nrules: {window-over: error}\n"
    made = workspace(tmp_path, text, more=more).rollover("2001fa", "2032sp")
    assert "examOpenDate: 2032-02-21T09:00" in text_of(made, "exams/2031fa/cs101-2032sp.yaml")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """With nothing left behind."""
    opened = workspace(tmp_path, TEXT)
    made = opened.rollover(*ROLLOVER)
    (tmp_path / "exams").rename(tmp_path / "old")
    (tmp_path / "exams").touch()
    with pytest.raises(UsageError, match=f"{NEW} cannot be written: Not a directory"):
        opened.write_rollover(made)
