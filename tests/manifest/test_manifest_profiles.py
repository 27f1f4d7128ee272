"""Profiles, contacts and zones of exams: what they give, and what is said when they do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
from manifest_tree import AI, US, WHOLE, read, said, write

from reconciler.manifest.exam import resolve
from reconciler.model.identities import InstallSid

OTHER = f"US{'0' * 32}"


def manifest(exam: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A manifest of one exam that stands on a whole one."""
    return {"installSid": AI, "defaults": WHOLE} | more | {"exams": {"a": exam}}


def line_of(root: Path, text: str) -> int:
    """The line of exams.yaml on which `text` stands first."""
    lines = (root / "exams.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_profiles_are_merged_in_their_order(tmp_path: Path) -> None:
    """The later profile wins over the earlier one and over defaults, and the exam over both."""
    profiles = {
        "one": {"title": "one", "url": "one", "configuration": {"duration": 1, "attempts": 1}},
        "two": {"title": "two", "configuration": {"duration": 2, "permittedNotes": True}},
        "unused": {"title": "unused"},
    }
    exam = {"profiles": ["one", "two"], "configuration": {"permittedNotes": False}}
    write(tmp_path, "exams.yaml", manifest(exam, profiles=profiles))
    loaded = read(tmp_path)
    assert said(loaded) == []
    payload = loaded.declared.exams[0].payload
    assert (payload["title"], payload["url"]) == ("two", "one")
    assert payload["configuration"] == {"duration": 2, "attempts": 1, "permittedNotes": False}
    assert "profiles" not in payload


def test_of_profiles_of_one_name_the_nearest_counts(tmp_path: Path) -> None:
    """A file that defines a profile of its base anew replaces it as a whole."""
    write(tmp_path, "_base.yaml", {"profiles": {"p": {"title": "base", "url": "base"}, "q": {"url": "q"}}})
    own = manifest({"profiles": ["q", "p"]}, extends=["_base.yaml"], profiles={"p": {"title": "own"}})
    write(tmp_path, "exams.yaml", own)
    payload = read(tmp_path).declared.exams[0].payload
    assert (payload["title"], payload["url"]) == ("own", "q")


def test_defaults_may_list_profiles(tmp_path: Path) -> None:
    """Exams get the profiles of their defaults, unless they list their own, or none."""
    profiles = {"p": {"title": "p"}, "q": {"title": "q"}}
    write(
        tmp_path,
        "exams.yaml",
        {
            "installSid": AI,
            "defaults": WHOLE | {"profiles": ["p"]},
            "profiles": profiles,
            "exams": {"a": {}, "b": {"profiles": ["q"]}, "c": {"profiles": []}},
        },
    )
    assert [exam.payload["title"] for exam in read(tmp_path).declared.exams] == ["p", "q", "T"]


@pytest.mark.parametrize(
    ("profiles", "code", "text", "hint"),
    [
        (["closed-bok"], "unknown-profile", "closed-bok", "did you mean 'closed-book'?"),
        (["zzz"], "unknown-profile", "zzz", "There are: 'closed-book', 'live'. Define it under `profiles`."),
        (["live", "closed-book", "live"], "duplicate-profile", '"live"\n', "Keep one of the two"),
        ("live", "wrong-type", '"profiles": "live"', "Write one `- item` line for each"),
        (["live"] * 33, "too-large", '"profiles": [', "Gather what belongs together"),
    ],
)
def test_profiles_that_do_not_fit(tmp_path: Path, profiles: Any, code: str, text: str, hint: str) -> None:
    """A profile that is unknown, listed twice or no list is told at its place, and nothing else is."""
    known = {"closed-book": {"title": "x"}, "live": {"title": "y"}}
    write(tmp_path, "exams.yaml", manifest({"profiles": profiles}, profiles=known))
    (only,) = read(tmp_path).diagnostics
    assert only.code == code
    assert only.hint.startswith(hint)
    written = (tmp_path / "exams.yaml").read_text()
    assert only.span is not None
    at = written.rindex(text) if text.endswith("\n") else written.index(text)
    assert only.span.start.line == written.count("\n", 0, at) + 1
    assert only.address == "a"


def test_an_unknown_profile_where_there_is_none(tmp_path: Path) -> None:
    """Where no profile is defined, the hint says so."""
    write(tmp_path, "exams.yaml", manifest({"profiles": ["x"]}))
    (only,) = read(tmp_path).diagnostics
    assert only.hint == "There is none. Define it under `profiles`."


def test_a_profile_lists_no_profiles(tmp_path: Path) -> None:
    """Profiles are one level deep, so that their order is the exam's alone."""
    write(tmp_path, "exams.yaml", manifest({}, profiles={"p": {"profiles": ["q"]}, "q": {"title": "q"}}))
    (only,) = read(tmp_path).diagnostics
    assert (only.code, only.span and only.span.start.line) == (
        "nested-profile",
        line_of(tmp_path, '"profiles": ['),
    )


def test_a_mistake_in_a_profile_says_which_exam_it_hits(tmp_path: Path) -> None:
    """A wrong contact, date or zone of a profile is placed there, and names the exam."""
    profile = {
        "contactUser": "jdo",
        "timezone": "Mars/One",
        "configuration": {"examOpenDate": "2031-02-30T09:00"},
    }
    write(tmp_path, "exams.yaml", manifest({"profiles": ["p"]}, profiles={"p": profile}, users={"jdoe": US}))
    found = {each.code: each for each in read(tmp_path).diagnostics}
    assert set(found) == {"unknown-alias", "unknown-timezone", "bad-date-time"}
    assert found["unknown-alias"].hint == "did you mean 'jdoe'?"
    for code, text in (
        ("unknown-alias", '"jdo"'),
        ("bad-date-time", "2031-02-30"),
        ("unknown-timezone", "Mars"),
    ):
        each = found[code]
        assert each.message.endswith("(in the exam 'a')")
        assert each.address == "a"
        assert each.span is not None
        assert each.span.start.line == line_of(tmp_path, text)


def test_profiles_that_multiply_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large profiles under many exams are refused instead of merged."""
    monkeypatch.setattr(resolve, "MAX_MERGED_NODES", 1_000)
    large = {"configuration": {"proctorTypes": ["x"] * 400}}
    exams = {f"e{number}": {"profiles": ["p"]} for number in range(5)}
    document = {"version": 1, "installSid": AI, "profiles": {"p": WHOLE | large}, "exams": exams}
    write(tmp_path, "exams.yaml", json.dumps(document))
    loaded = read(tmp_path)
    assert [each.code for each in loaded.diagnostics if each.code != "same-exam"] == ["too-large"]
    assert len(loaded.declared.exams) == 2


def test_a_contact_is_named_by_alias(tmp_path: Path) -> None:
    """The environment's users win over the file's; what is sent is the SID."""
    write(tmp_path, "exams.yaml", manifest({"contactUser": "jdoe"}, users={"jdoe": US}))
    assert read(tmp_path).declared.exams[0].payload["contactUserSid"] == US
    assert "contactUser" not in read(tmp_path).declared.exams[0].payload
    (exam,) = read(tmp_path, users={"jdoe": OTHER}).declared.exams
    assert exam.payload["contactUserSid"] == OTHER


def test_an_alias_and_a_sid_mean_the_same_exam(tmp_path: Path) -> None:
    """Writing the contact as an alias instead of a SID is no change."""
    write(tmp_path, "exams.yaml", manifest({"contactUser": "jdoe"}, users={"jdoe": US}))
    by_alias = read(tmp_path).declared.exams[0].digest
    write(tmp_path, "exams.yaml", manifest({"contactUserSid": US}))
    assert read(tmp_path).declared.exams[0].digest == by_alias


def test_a_contact_above_replaces_either_way_of_naming_one_below(tmp_path: Path) -> None:
    """An exam that names its contact by SID does not clash with an alias of the defaults."""
    below = {"defaults": WHOLE | {"contactUser": "jdoe"}, "users": {"jdoe": US}}
    write(tmp_path, "exams.yaml", manifest({"contactUserSid": OTHER}, **below))
    loaded = read(tmp_path)
    assert said(loaded) == []
    assert loaded.declared.exams[0].payload["contactUserSid"] == OTHER


@pytest.mark.parametrize(
    ("exam", "code", "key", "hint"),
    [
        (
            {"contactUser": "jdoe", "contactUserSid": US},
            "two-contacts",
            '"contactUserSid"',
            "Keep one of the two.",
        ),
        ({"contactUser": "jdo"}, "unknown-alias", '"contactUser"', "did you mean 'jdoe'?"),
        ({"contactUser": US}, "unknown-alias", '"contactUser"', "It is a SID: write `contactUserSid:`"),
        (
            {"contactUser": "zz"},
            "unknown-alias",
            '"contactUser"',
            "Add it to `users` of this file or of the env",
        ),
        ({"contactUserSid": "jdo"}, "unknown-alias", '"contactUserSid"', "did you mean 'jdoe'?"),
        ({"contactUser": 5}, "wrong-type", '"contactUser"', "Write a name from `users`;"),
    ],
)
def test_contacts_that_do_not_fit(
    tmp_path: Path, exam: dict[str, Any], code: str, key: str, hint: str
) -> None:
    """A contact that is unknown or named twice is told at its place, with the nearest name."""
    write(tmp_path, "exams.yaml", manifest(exam, users={"jdoe": US}))
    (only,) = read(tmp_path).diagnostics
    assert (only.code, only.span and only.span.start.line) == (code, line_of(tmp_path, key))
    assert only.hint.startswith(hint)
    assert read(tmp_path).declared.exams == ()


def test_users_of_a_manifest_are_checked(tmp_path: Path) -> None:
    """A user's SID has its documented shape."""
    write(tmp_path, "exams.yaml", manifest({}, users={"jdoe": "US1"}))
    assert [each.code for each in read(tmp_path).diagnostics] == ["wrong-pattern"]


@pytest.mark.parametrize(
    ("exam", "environment", "file", "expected"),
    [
        (None, None, "America/New_York", "America/New_York"),
        (None, "Europe/Paris", "America/New_York", "Europe/Paris"),
        ("Asia/Tokyo", "Europe/Paris", "America/New_York", "Asia/Tokyo"),
        ("Asia/Tokyo", None, None, "Asia/Tokyo"),
    ],
)
def test_the_nearest_zone_wins(
    tmp_path: Path, exam: str | None, environment: str | None, file: str | None, expected: str
) -> None:
    """An exam's own zone wins over the environment's, and that over the file's."""
    zone = {"timezone": exam} if exam else {}
    dates = {"configuration": {"examOpenDate": "2031-10-12 09:00"}}
    write(tmp_path, "exams.yaml", manifest(zone | dates, **({"timezone": file} if file else {})))
    loaded = read(tmp_path, timezone=environment)
    assert said(loaded) == []
    (declared,) = loaded.declared.exams
    hours = {"America/New_York": "13", "Europe/Paris": "07", "Asia/Tokyo": "00"}[expected]
    assert declared.timezone == expected
    assert declared.payload["configuration"] == {
        "duration": 90,
        "examOpenDate": f"2031-10-12T{hours}:00:00.000Z",
    }
    assert "timezone" not in declared.payload


def test_a_zone_of_defaults_is_the_exams_own(tmp_path: Path) -> None:
    """A zone that an exam gets from its defaults wins over the environment's too."""
    write(tmp_path, "exams.yaml", manifest({}, defaults=WHOLE | {"timezone": "Asia/Tokyo"}))
    assert read(tmp_path, timezone="UTC").declared.exams[0].timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("America/New_Yrok", "did you mean 'America/New_York'?"),
        ("america/new_york", "did you mean 'America/New_York'?"),
        ("New York", "did you mean 'America/New_York'?"),
        ("Europe/Madird", "did you mean 'Europe/Madrid'?"),
        ("Berlin", "did you mean 'Europe/Berlin'?"),
        ("x", "Write the zone of your city, such as America/New_York, Europe/Berlin or Asia/Kolkata."),
    ],
)
def test_an_unknown_zone_of_an_exam(tmp_path: Path, name: str, hint: str) -> None:
    """The nearest zone is suggested at its place, and the exam's local times make no second finding."""
    dates = {"configuration": {"examOpenDate": "2031-10-12 09:00"}}
    write(tmp_path, "exams.yaml", manifest({"timezone": name} | dates, timezone="UTC"))
    (only,) = read(tmp_path).diagnostics
    assert (only.code, only.hint) == ("unknown-timezone", hint)
    assert only.span is not None
    assert only.span.start.line == line_of(tmp_path, f'"timezone": "{name}",')
    assert read(tmp_path).declared.exams == ()


def test_an_environment_with_an_unknown_zone(tmp_path: Path) -> None:
    """An environment that was not read from a file is checked as well."""
    write(tmp_path, "exams.yaml", manifest({}))
    loaded = read(tmp_path, timezone="Mars/One", install_sid=InstallSid(AI))
    assert said(loaded) == ["unknown-timezone exams.yaml:1:1"]


def test_an_unknown_zone_is_refused_without_any_date(tmp_path: Path) -> None:
    """A zone that no date needs is still a mistake, and the exam is not declared."""
    write(tmp_path, "exams.yaml", manifest({"timezone": "Mars/One"}))
    loaded = read(tmp_path)
    assert [(each.code, each.address) for each in loaded.diagnostics] == [("unknown-timezone", "a")]
    assert loaded.declared.exams == ()
