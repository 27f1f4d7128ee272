"""Findings of rules about values that exams share: where they stand, whom they name, what silences them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from manifest_tree import write
from rule_bench import BASE, settings_of

from reconciler.manifest.loader import load
from reconciler.model.declarations import Loaded
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.rules.registry import RuleRegistry
from reconciler.rules_api import Context, Exam, Finding, Rule

SHARED = BASE + "profiles:\n  hidden:\n"
LINE = SHARED.count("\n") + 1
STATUS = "    status: deleted"
OK = " # reconciler: ignore[status-deleted] hidden until the term begins"


def manifest(*names: str, extra: str = "", extends: str = "_base.yaml") -> str:
    """A manifest that extends a base, with exams that list its profile."""
    exams = "".join(
        f"  {name}: {{title: T {name}, url: 'https://lms/{name}', profiles: [hidden]{extra}}}\n"
        for name in names
    )
    return f"version: 1\nextends: [{extends}]\nexams:\n{exams}"


def read(root: Path, *paths: str, **settings: Any) -> Loaded:
    """What the manifests below `root` give."""
    return load(paths or ["."], root=root, environment=Environment(), rules=settings_of(**settings))


def told(loaded: Loaded) -> list[str]:
    """Code and place of each finding."""
    return [f"{each.code} {_place(each)}" for each in loaded.diagnostics]


def _place(found: Diagnostic) -> str:
    assert found.span is not None
    return f"{found.span.start.file}:{found.span.start.line}"


def test_a_finding_stands_in_the_base(tmp_path: Path) -> None:
    """What a profile of a base says is found there, with the line, and the exam that it hits is named."""
    write(tmp_path, "_base.yaml", f"{SHARED}{STATUS}\n")
    write(tmp_path, "a.yaml", manifest("a/x"))
    (found,) = read(tmp_path).diagnostics
    assert f"{found.code} {_place(found)}" == f"status-deleted _base.yaml:{LINE}"
    assert found.message.endswith(" (in the exam 'a/x')")
    assert found.excerpt == STATUS
    assert (found.address, found.others) == ("a/x", frozenset())


@pytest.mark.parametrize("lines", [f"{STATUS}{OK}", f"   {OK}\n{STATUS}"])
def test_an_ignore_in_the_base_silences_it_for_all(tmp_path: Path, lines: str) -> None:
    """The comment stands where the finding would stand, and is used."""
    write(tmp_path, "_base.yaml", f"{SHARED}{lines}\n")
    write(tmp_path, "a.yaml", manifest("a/x", "a/y"))
    write(tmp_path, "b.yaml", manifest("b/x"))
    assert told(read(tmp_path)) == []


def test_an_ignore_beside_the_exam_does_not_reach_the_base(tmp_path: Path) -> None:
    """Only the line of the finding counts; elsewhere the ignore is told to be unused."""
    write(tmp_path, "_base.yaml", f"{SHARED}{STATUS}\n")
    write(tmp_path, "a.yaml", manifest("a/x").rstrip() + OK + "\n")
    assert told(read(tmp_path)) == [f"status-deleted _base.yaml:{LINE}", "unused-ignore a.yaml:4"]


def test_one_line_that_hits_500_exams_is_told_once(tmp_path: Path) -> None:
    """Over many files, a shared value is one finding, with how many exams it hits."""
    write(tmp_path, "_base.yaml", f"{SHARED}{STATUS}\n")
    for file in range(10):
        write(tmp_path, f"f{file}.yaml", manifest(*(f"f{file}/e{number:02}" for number in range(50))))
    loaded = read(tmp_path)
    (found,) = loaded.diagnostics
    assert len(loaded.declared.exams) == 500
    assert found.message.endswith(" (in the exam 'f0/e00' and 499 more)")
    assert len(found.others) == 499


def test_a_title_that_is_shared_is_told_once(tmp_path: Path) -> None:
    """Findings whose messages name another exam each are one where they are about one line."""
    write(tmp_path, "_base.yaml", f"{SHARED}    title: Quiz\n")
    for file in "ab":
        text = manifest(*(f"{file}/e{number}" for number in range(9)))
        write(tmp_path, f"{file}.yaml", text.replace("title: T", "description: Of"))
    (found,) = read(tmp_path).diagnostics
    assert f"{found.code} {_place(found)}" == f"same-exam _base.yaml:{LINE}"
    assert found.message.startswith("'a/e1', of the same course, has this title too")
    assert found.message.endswith(" (in the exam 'a/e0' and 17 more)")


def twice(exams: Sequence[Exam], _: Context) -> Iterable[Finding]:
    """Two things about the status of every exam, one of them said twice."""
    for exam in exams:
        for message in ("one", "other", "one"):
            yield Finding(exam=exam, path=("status",), message=message, hint="h")


def test_two_findings_about_one_shared_value_are_two(tmp_path: Path) -> None:
    """What a rule finds twice about one exam is told twice, and not once more for each exam."""
    rule = Rule(code="acme/twice", summary="two things", check=twice)
    write(tmp_path, "_base.yaml", f"{SHARED}{STATUS}\n")
    write(tmp_path, "a.yaml", manifest("a/x", "a/y"))
    found = read(tmp_path, registry=RuleRegistry((rule,))).diagnostics
    assert [each.message for each in found] == [
        "one (in the exam 'a/x' and 1 more)",
        "other (in the exam 'a/x' and 1 more)",
    ]


def test_defaults_of_the_file_itself_name_the_exams(tmp_path: Path) -> None:
    """A finding in the same file, and not in the exam, says whom it hits as one in a base does."""
    base = BASE.replace("defaults:\n", "defaults:\n  status: deleted\n")
    write(tmp_path, "a.yaml", f"{base}exams:\n  a/x: {{title: X}}\n  a/y: {{title: Y, status: active}}\n")
    (found,) = (each for each in read(tmp_path).diagnostics if each.code == "status-deleted")
    assert found.message.endswith(" (in the exam 'a/x')")


def test_a_value_of_an_exam_that_a_base_makes_wrong(tmp_path: Path) -> None:
    """A finding that compares stands at the exam's own value, and says where the shared one is."""
    write(tmp_path, "_base.yaml", f"{SHARED}    configuration: {{examCloseDate: 2032-01-05T09:00}}\n")
    dates = ", configuration: {examOpenDate: 2032-01-05T10:00}"
    write(tmp_path, "a.yaml", manifest("a/x", extra=dates))
    (found,) = read(tmp_path).diagnostics
    assert f"{found.code} {_place(found)}" == "window-order a.yaml:4"
    assert found.hint.endswith(
        f" examCloseDate is 2032-01-05T09:00 from _base.yaml:{LINE} and examOpenDate is 2032-01-05T10:00, "
        "in America/New_York."
    )


def test_weights_hold_in_bases(tmp_path: Path) -> None:
    """A rule that is off finds nothing in a base, and one that is an error is one there."""
    write(tmp_path, "_base.yaml", f"{SHARED}{STATUS}\n")
    write(tmp_path, "a.yaml", manifest("a/x"))
    assert told(read(tmp_path, severities={"status-deleted": None})) == []
    (found,) = read(tmp_path, severities={"status-deleted": Severity.ERROR}).diagnostics
    assert found.severity is Severity.ERROR


def test_an_inline_secret_of_a_base_can_be_ignored(tmp_path: Path) -> None:
    """Also what is found while reading, for exams that have it and without any."""
    line = "    configuration:\n      password: open-sesame"
    ignore = " # reconciler: ignore[inline-secret] a trial that everybody knows"
    for names in (["a/x"], []):
        write(tmp_path, "a.yaml", manifest(*names) if names else "version: 1\nextends: [_base.yaml]\n")
        write(tmp_path, "_base.yaml", f"{SHARED}{line}\n")
        assert told(read(tmp_path)) == [f"inline-secret _base.yaml:{LINE + 1}"]
        write(tmp_path, "_base.yaml", f"{SHARED}{line}{ignore}\n")
        assert told(read(tmp_path)) == []


def test_wrong_ignores_of_a_base_are_told_once(tmp_path: Path) -> None:
    """However many files extend it, an ignore without a reason or without use is one finding in the base."""
    write(
        tmp_path,
        "_base.yaml",
        f"{SHARED}    type: Online\n    description: d # reconciler: ignore[title-spaces]\n",
    )
    for name in "abc":
        write(tmp_path, f"{name}.yaml", manifest(f"{name}/x"))
    assert told(read(tmp_path)) == [f"ignore-without-reason _base.yaml:{LINE + 1}"]
    write(tmp_path, "_base.yaml", f"{SHARED}    status: active{OK}\n")
    assert told(read(tmp_path)) == [f"unused-ignore _base.yaml:{LINE}"]


@pytest.mark.parametrize(
    ("other", "mistake"),
    [
        (manifest("b/x", extra=", oops: 1"), "unknown-field b.yaml:4"),
        (manifest("b/x", extends="_base.yaml, _gone.yaml"), "unreadable-file b.yaml:2"),
    ],
)
def test_an_ignore_of_a_base_is_unused_only_where_that_is_certain(
    tmp_path: Path, other: str, mistake: str
) -> None:
    """An exam that is not looked at, or a manifest that is not read, may be what it is there for."""
    write(tmp_path, "_base.yaml", f"{SHARED}    status: active{OK}\n")
    write(tmp_path, "a.yaml", manifest("a/x"))
    assert told(read(tmp_path)) == [f"unused-ignore _base.yaml:{LINE}"]
    assert told(read(tmp_path, is_partial=True)) == []
    write(tmp_path, "b.yaml", other)
    assert told(read(tmp_path)) == [mistake]


def test_a_mistake_of_a_base_makes_its_manifest_uncertain(tmp_path: Path) -> None:
    """An exam that a base spoils is not asked about, so an ignore beside it is not called unused."""
    write(tmp_path, "_base.yaml", f"{SHARED}    oops: 1\n")
    write(tmp_path, "a.yaml", manifest("a/x").rstrip() + OK + "\n")
    assert told(read(tmp_path)) == [f"unknown-field _base.yaml:{LINE}"]
    write(tmp_path, "_base.yaml", f"{SHARED}{STATUS}\n".replace("\n", "\nextends: [_gone.yaml]\n", 1))
    assert told(read(tmp_path)) == ["unreadable-file _base.yaml:2"]


def test_a_base_that_is_read_as_a_manifest_too_is_one_file(tmp_path: Path) -> None:
    """An ignore that serves those who extend the file is not unused because it has no exams itself."""
    write(tmp_path, "base.yaml", f"{SHARED}{STATUS}{OK}\n")
    write(tmp_path, "a.yaml", manifest("a/x", extends="base.yaml"))
    assert told(read(tmp_path)) == []
    write(tmp_path, "base.yaml", f"{SHARED}    status: active{OK}\n")
    assert told(read(tmp_path)) == [f"unused-ignore base.yaml:{LINE}"]


def test_a_rule_never_quotes_a_secret_of_a_base(tmp_path: Path) -> None:
    """What a manifest repeats of a base's password is masked in what a rule says of it."""
    write(tmp_path, "_base.yaml", f"{SHARED}    configuration: {{password: live-1234}}\n")
    dates = "examOpenDate: 2031-10-05T09:00, examCloseDate: 2031-10-06T09:00"
    more = f", configuration: {{{dates}, proctorTypes: [live-1234]}}"
    write(tmp_path, "a.yaml", manifest("a/x", extra=more))
    found = read(tmp_path).diagnostics
    assert {each.code for each in found} == {"inline-secret", "short-notice"}
    assert "live-1234" not in "".join(f"{each.message}{each.hint}{each.excerpt}" for each in found)


def test_the_moment_is_judged_in_the_zone_of_each_exam(tmp_path: Path) -> None:
    """One local time that a profile gives is over in Tokyo while it is to come in New York."""
    write(
        tmp_path,
        "_base.yaml",
        f"{SHARED}    configuration: {{examCloseDate: 2031-09-30T23:00}}\n",
    )
    zones = (("a/ny", "America/New_York"), ("a/tokyo", "Asia/Tokyo"))
    for name, zone in zones:
        write(tmp_path, f"{zone[:4]}.yaml", manifest(name, extra=f", timezone: {zone}"))
    (found,) = read(tmp_path, severities={"incomplete-window": None}).diagnostics
    assert f"{found.code} {_place(found)}" == f"window-over _base.yaml:{LINE}"
    assert found.message.endswith(" (in the exam 'a/tokyo')")
    assert "2031-09-30T14:00:00.000Z" in found.hint
