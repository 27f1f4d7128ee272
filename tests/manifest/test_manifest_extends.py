"""Files that extend others: where these may stand, what they may hold, and what is said if not."""

from pathlib import Path

import pytest
from manifest_tree import AI, CU, US, WHOLE, read, said, write

from reconciler.manifest import extends
from reconciler.manifest.diagnostics import FIRST_BASE_OFFSET

EXAMS = {"exams": {"a": WHOLE}}


def extending(*names: str, address: str = "a", **fields: object) -> str:
    """A manifest with `extends` on line 2 and one exam."""
    listed = ", ".join(names)
    exam = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return f"version: 1\nextends: [{listed}]\nexams:\n  {address}: {{{exam}}}\n"


def test_all_that_a_base_says_holds(tmp_path: Path) -> None:
    """Defaults, install, zone, courses and users of a file that is extended serve the exams of another."""
    dates = {"examOpenDate": "2031-10-12T09:00"}
    write(
        tmp_path,
        "shared/_base.yaml",
        {
            "installSid": AI,
            "timezone": "America/New_York",
            "courses": {"cs": CU},
            "users": {"jdoe": US},
            "defaults": {key: value for key, value in WHOLE.items() if key != "courseSid"}
            | {"configuration": dates},
        },
    )
    write(tmp_path, "exams/cs.yaml", extending("../shared/_base.yaml", course="cs", contactUser="jdoe"))
    loaded = read(tmp_path)
    assert said(loaded) == []
    (exam,) = loaded.declared.exams
    assert (exam.install_sid, exam.course_sid, exam.course, exam.timezone) == (
        AI,
        CU,
        "cs",
        "America/New_York",
    )
    assert exam.payload["contactUserSid"] == US
    assert exam.payload["configuration"] == {"examOpenDate": "2031-10-12T13:00:00.000Z"}


def test_the_file_itself_wins_over_what_it_extends(tmp_path: Path) -> None:
    """Each value is that of the nearest file: the later entry over the earlier, the file over both."""
    write(tmp_path, "_one.yaml", {"timezone": "Asia/Tokyo", "courses": {"x": CU, "y": f"CU{'1' * 32}"}})
    write(tmp_path, "_two.yaml", {"timezone": "Europe/Paris", "courses": {"x": f"CU{'2' * 32}"}})
    both = {"extends": ["_one.yaml", "_two.yaml"], "installSid": AI}
    exam = {key: value for key, value in WHOLE.items() if key != "courseSid"}
    write(tmp_path, "a.yaml", both | {"exams": {"a": exam | {"course": "x"}}})
    write(tmp_path, "b.yaml", both | {"timezone": "UTC", "exams": {"b": exam | {"course": "y"}}})
    loaded = read(tmp_path)
    assert said(loaded) == []
    found = [(each.timezone, each.course_sid) for each in loaded.declared.exams]
    assert found == [("Europe/Paris", f"CU{'2' * 32}"), ("UTC", f"CU{'1' * 32}")]


def test_a_base_that_two_others_share_is_merged_once(tmp_path: Path) -> None:
    """What the first extender says is not undone by the base that the second one shares with it."""
    write(tmp_path, "_base.yaml", {"installSid": AI, "defaults": WHOLE | {"title": "base"}})
    write(tmp_path, "_left.yaml", {"extends": ["_base.yaml"], "defaults": {"title": "left"}})
    write(tmp_path, "_right.yaml", {"extends": ["_base.yaml"], "defaults": {"url": "right"}})
    write(tmp_path, "a.yaml", extending("_left.yaml", "_right.yaml"))
    (exam,) = read(tmp_path).declared.exams
    assert (exam.payload["title"], exam.payload["url"]) == ("left", "right")


@pytest.mark.parametrize(
    ("files", "drawn", "place"),
    [
        ({"a.yaml": "a.yaml"}, "a.yaml → a.yaml", "a.yaml:2:11"),
        ({"a.yaml": "b.yaml", "b.yaml": "a.yaml"}, "a.yaml → b.yaml → a.yaml", "b.yaml:2:11"),
        (
            {"a.yaml": "_b.yaml", "_b.yaml": "x/_c.yaml", "x/_c.yaml": "../_b.yaml"},
            "_b.yaml → x/_c.yaml → _b.yaml",
            "x/_c.yaml:2:11",
        ),
    ],
)
def test_a_cycle_is_drawn_once(tmp_path: Path, files: dict[str, str], drawn: str, place: str) -> None:
    """Files that extend each other are refused at the entry that closes the circle, whoever is read first."""
    for name, extended in files.items():
        write(tmp_path, name, f"version: 1\nextends: [{extended}]\n")
    (only,) = read(tmp_path).diagnostics
    assert (only.code, str(only.span and only.span.start)) == ("extends-cycle", place)
    assert only.message.endswith(f": {drawn}")
    assert only.hint


def test_a_base_that_is_missing_is_named_at_its_entry(tmp_path: Path) -> None:
    """The nearest file beside it is suggested, and nothing else is said about the exams."""
    write(tmp_path, "_defaults.yaml", {})
    write(tmp_path, "a.yaml", extending("_defaults.yaml", "_defalts.yaml", course="cs"))
    (only,) = read(tmp_path).diagnostics
    assert f"{only.code} {only.span and only.span.start}" == "unreadable-file a.yaml:2:27"
    assert "'_defalts.yaml' cannot be read: No such file or directory" in only.message
    assert only.hint == "did you mean '_defaults.yaml'?"


@pytest.mark.parametrize("name", ["../_out.yaml", "/etc/passwd", "link.yaml", "x/../../_out.yaml", '"a\\tb"'])
def test_a_base_outside_the_workspace_is_refused(tmp_path: Path, name: str) -> None:
    """Neither `..`, nor an absolute path, nor a link leads out of the workspace."""
    root = tmp_path / "workspace"
    write(tmp_path, "_out.yaml", {"defaults": WHOLE})
    write(root, "a.yaml", extending(name))
    (root / "link.yaml").symlink_to(tmp_path / "_out.yaml")
    assert said(read(root, "a.yaml")) == ["outside-workspace a.yaml:2:11"]


def test_a_manifest_from_outside_extends_what_is_beside_it(tmp_path: Path) -> None:
    """A file given by its full path may extend its neighbours, and nothing above them."""
    write(tmp_path, "far/_base.yaml", {"installSid": AI, "defaults": WHOLE})
    write(tmp_path, "far/a.yaml", extending("_base.yaml"))
    write(tmp_path, "far/b.yaml", extending("../far/_base.yaml", "../_x.yaml", address="b"))
    (tmp_path / "here").mkdir()
    loaded = read(tmp_path / "here", str(tmp_path / "far"))
    assert said(loaded) == [f"outside-workspace {tmp_path}/far/b.yaml:2:30"]
    assert [exam.address for exam in loaded.declared.exams] == ["a"]


@pytest.mark.parametrize("block", ["imports", "moved", "removed", "absent", "accepted", "distinct"])
def test_a_base_holds_no_lifecycle_block(tmp_path: Path, block: str) -> None:
    """It would be read by nobody, so it is refused."""
    write(tmp_path, "base.yaml", {"installSid": AI, block: []})
    write(tmp_path, "z.yaml", extending("base.yaml", address="z"))
    assert "not-a-base base.yaml:4:2" in said(read(tmp_path))


def test_a_base_holds_no_exams(tmp_path: Path) -> None:
    """What belongs into manifests is refused in a base, at its key; what is wrong there is told once."""
    write(tmp_path, "base.yaml", {"installSid": AI, "exmas": 1, "removed": [], "defaults": WHOLE} | EXAMS)
    write(tmp_path, "z.yaml", extending("base.yaml", address="z"))
    assert [each for each in said(read(tmp_path)) if "same-exam" not in each] == [
        "unknown-field base.yaml:4:2",
        "not-a-base base.yaml:5:2",
        "not-a-base base.yaml:19:2",
    ]


def test_bases_are_left_out_of_folders_and_globs(tmp_path: Path) -> None:
    """A file whose name begins with `_` is read when it is extended or named, and not because it is there."""
    write(tmp_path, "exams/_base.yaml", {"installSid": AI} | EXAMS)
    write(tmp_path, "exams/a.yaml", {"installSid": AI, "exams": {"b": WHOLE}})
    for paths in (["exams"], ["exams/*.yaml"], ["exams/**/*.yaml"], ["."]):
        assert [exam.address for exam in read(tmp_path, *paths).declared.exams] == ["b"], paths
    assert [exam.address for exam in read(tmp_path, "exams/_base.yaml").declared.exams] == ["a"]
    (nothing,) = read(tmp_path, "exams/_*.yaml").diagnostics
    assert nothing.code == "no-manifest"
    assert "`_`" in nothing.hint


def test_a_mistake_in_a_base_is_told_once_and_says_whom_it_hits(tmp_path: Path) -> None:
    """Three exams in two files that share a wrong default make one finding there, which counts them."""
    close = {"examCloseDate": "2031-11-02T01:30"}
    base = {"installSid": AI, "timezone": "America/New_York", "defaults": WHOLE | {"configuration": close}}
    write(tmp_path, "_base.yaml", base)
    write(tmp_path, "a.yaml", extending("_base.yaml"))
    write(tmp_path, "b.yaml", extending("_base.yaml", address="b") + "  c: {}\n")
    (only,) = read(tmp_path).diagnostics
    assert (only.code, only.address) == ("local-time-repeated", "a")
    assert only.span is not None
    assert only.span.start.file == "_base.yaml"
    assert only.message.endswith("(in the exam 'a' and 2 more)")
    assert only.excerpt is not None
    assert "examCloseDate" in only.excerpt


def test_a_date_in_a_base_that_no_exam_uses_is_checked_too(tmp_path: Path) -> None:
    """What no zone makes right is reported even where no exam takes it over."""
    write(
        tmp_path,
        "_base.yaml",
        "version: 1\nprofiles:\n  p: {configuration: {examOpenDate: 2031-02-30T09:00}}\n",
    )
    write(tmp_path, "a.yaml", extending("_base.yaml", address="a").replace("exams:\n  a: {}\n", ""))
    assert said(read(tmp_path)) == ["bad-date-time _base.yaml:3:37"]


def test_a_rule_that_compares_says_where_the_other_value_is(tmp_path: Path) -> None:
    """A window that the defaults close before the exam opens it is reported where the exam says its part."""
    close = {"examCloseDate": "2031-10-01T09:00Z"}
    write(tmp_path, "_base.yaml", {"installSid": AI, "defaults": WHOLE | {"configuration": close}})
    write(tmp_path, "a.yaml", extending("_base.yaml", configuration="{examOpenDate: 2031-10-02T09:00Z}"))
    (only,) = read(tmp_path).diagnostics
    assert only.code == "window-order"
    assert only.span is not None
    assert str(only.span.start) == "a.yaml:4:37"
    assert only.hint.endswith(
        "examCloseDate is 2031-10-01T09:00Z from _base.yaml:14 and examOpenDate is 2031-10-02T09:00Z, in UTC."
    )
    assert only.address == "a"


def test_a_secret_of_a_base_is_not_repeated_elsewhere(tmp_path: Path) -> None:
    """A value that is a password in a base is not quoted in a message about the file that extends it."""
    write(tmp_path, "_base.yaml", {"defaults": {"configuration": {"password": "hunter2hunter2"}}})
    write(tmp_path, "a.yaml", extending("_base.yaml", course="hunter2hunter2", type="hunter2hunter2"))
    found = read(tmp_path).diagnostics
    assert "unknown-alias" in {each.code for each in found}
    assert "no course is called this value" in {each.message for each in found}
    assert "hunter2" not in " ".join(f"{each.message} {each.hint} {each.excerpt}" for each in found)


def test_a_wrong_default_of_a_base_names_the_exams_that_have_it(tmp_path: Path) -> None:
    """What the schema refuses in a base is told there, with the exams that did not say otherwise."""
    write(tmp_path, "_base.yaml", {"installSid": AI, "defaults": WHOLE | {"type": "Writen"}})
    write(tmp_path, "a.yaml", extending("_base.yaml", address="b") + "  a: {type: Written}\n")
    (only,) = read(tmp_path).diagnostics
    assert (only.code, only.address) == ("not-allowed-value", "b")
    assert only.message.endswith("(in the exam 'b')")
    assert only.span is not None
    assert only.span.start.file == "_base.yaml"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("x", ["wrong-type a.yaml:2:10"]),
        ("[1]", ["wrong-type a.yaml:2:11"]),
        ("['']", ["outside-workspace a.yaml:2:11", "wrong-value a.yaml:2:11"]),
        ("[folder]", ["unreadable-file a.yaml:2:11"]),
        ("[folder/none.yaml/x]", ["unreadable-file a.yaml:2:11"]),
        ("[_broken.yaml]", ["syntax _broken.yaml:1:10"]),
        ("[_list.yaml]", ["not-a-mapping _list.yaml:1:1"]),
        ("[_latin.yaml]", ["encoding _latin.yaml:1:3"]),
    ],
)
def test_what_cannot_be_extended_has_a_place(tmp_path: Path, written: str, expected: list[str]) -> None:
    """Each mistake in `extends` is told where it stands, and makes no second one of the exams."""
    (tmp_path / "folder").mkdir()
    write(tmp_path, "_broken.yaml", "version: [\n")
    write(tmp_path, "_list.yaml", "- a\n")
    (tmp_path / "_latin.yaml").write_bytes(b"# \xe9\n")
    write(tmp_path, "a.yaml", f"version: 1\nextends: {written}\nexams: {{a: {{}}}}\n")
    assert said(read(tmp_path)) == expected


def test_a_chain_of_bases_is_bounded(tmp_path: Path) -> None:
    """A long chain is refused where it becomes too long, and never ends in a traceback."""
    for number in range(1_500):
        write(tmp_path, f"_{number}.yaml", f"version: 1\nextends: [_{number + 1}.yaml]\n")
    write(tmp_path, "a.yaml", extending("_0.yaml"))
    assert said(read(tmp_path)) == ["too-deep _31.yaml:2:11"]


def test_bases_that_all_extend_each_other_downwards_are_read_once(tmp_path: Path) -> None:
    """A web of 30 files with hundreds of millions of ways through it is no more work than 30 files."""
    names = [f"_{number:02}.yaml" for number in range(30)]
    for number, name in enumerate(names):
        write(tmp_path, name, {"extends": names[number + 1 :], "defaults": {"title": name}})
    write(tmp_path, "a.yaml", {"extends": names, "installSid": AI, "defaults": WHOLE} | {"exams": {"a": {}}})
    loaded = read(tmp_path)
    assert said(loaded) == []
    assert len(loaded.declared.exams) == 1


def test_a_folder_that_is_not_there_is_no_obstacle(tmp_path: Path) -> None:
    """Where no neighbours can be suggested, the missing file is still named."""
    write(tmp_path, "a.yaml", extending("gone/_x.yaml"))
    (only,) = read(tmp_path).diagnostics
    assert only.hint == "Paths are relative to this file."


def test_bases_that_come_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no more places can be told apart, the entry that is one too many is refused."""
    monkeypatch.setattr(extends, "_MAX_OFFSET", FIRST_BASE_OFFSET + 20)
    write(tmp_path, "_one.yaml", "version: 1\n")
    write(tmp_path, "_two.yaml", "version: 1\n")
    write(tmp_path, "a.yaml", extending("_one.yaml", "_two.yaml"))
    assert said(read(tmp_path)) == ["too-large a.yaml:2:22"]
