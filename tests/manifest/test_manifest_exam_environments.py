"""Exams that name the environments that they are for."""

from pathlib import Path
from typing import Any

import pytest
from manifest_tree import AI, CU, WHOLE, write

from reconciler.model.declarations import Loaded
from reconciler.workspace import Workspace

TWO = f"""\
version: 1
environments:
  staging: {{state: "file:s.json", installSid: {AI}, courses: {{cs: {CU}}}}}
  production:
    state: file:p.json
    installSid: {AI}
    timezone: Europe/Paris
    courses: {{cs: {CU}, new: CU{"2" * 32}}}
rules: {{no-window: off, incomplete-window: off, duration-not-in-minutes: off}}
"""
ONLY: dict[str, Any] = {"environments": ["production"]}
EXAM = {key: value for key, value in WHOLE.items() if key != "courseSid"} | {"course": "cs"}
DATES = {"examOpenDate": "2031-10-12T09:00Z", "examCloseDate": "2031-10-12T17:00Z"}
LOCAL = {"configuration": {"examOpenDate": "2031-10-12T09:00"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace of two environments."""
    write(tmp_path, "reconciler.yaml", TWO)
    return tmp_path


def validated(root: Path, name: str | None = None, **manifest: Any) -> Loaded:
    """What `manifest` is in the environment `name`, or in all."""
    write(root, "exams.yaml", manifest)
    return Workspace.open(root=root, environment=name).validate()


def codes(loaded: Loaded) -> list[str]:
    """The code and place of each diagnostic, without the file."""
    return [f"{each.code} {each.span and each.span.start.line}" for each in loaded.diagnostics]


def test_an_exam_is_declared_in_the_environments_that_it_names(root: Path) -> None:
    """In the other one it is not declared; what it sends is as it would be without the list."""
    exams = {"a": EXAM, "b": EXAM | ONLY | {"title": "B", "configuration": {"duration": 45}}}
    found = {name: validated(root, name, exams=exams).declared for name in ("staging", "production")}
    assert [exam.address for exam in found["staging"].exams] == ["a"]
    assert [(each.address, each.environments) for each in found["staging"].elsewhere] == [
        ("b", ("production",))
    ]
    b = found["production"].exams[1]
    assert (b.address, found["production"].elsewhere) == ("b", ())
    del exams["b"]["environments"]
    assert validated(root, "production", exams=exams).declared.exams[1].digest == b.digest
    assert "environments" not in b.payload


@pytest.mark.parametrize(
    ("more", "staging"),
    [
        ({"defaults": ONLY}, []),
        ({"profiles": {"p": ONLY}, "defaults": {"profiles": ["p"]}}, []),
        ({"profiles": {"p": {"environments": ["staging"]}}, "defaults": ONLY | {"profiles": ["p"]}}, ["a"]),
    ],
)
def test_the_list_of_the_highest_layer_counts(root: Path, more: dict[str, Any], staging: list[str]) -> None:
    """It may be in defaults and profiles; lists are replaced."""
    loaded = validated(root, "staging", exams={"a": EXAM}, **more)
    assert ([exam.address for exam in loaded.declared.exams], loaded.diagnostics) == (staging, ())


@pytest.mark.parametrize(
    ("environments", "code", "hint"),
    [
        (
            ["prodution"],
            "unknown-environment 5",
            "did you mean 'production'? There are: 'staging', 'production'.",
        ),
        (["staging", "x"], "unknown-environment 6", "There are: 'staging', 'production'."),
        ([], "wrong-value 4", "Give it a value, or remove it."),
        ("staging", "wrong-type 4", "Write one `- item` line for each, also for a single one."),
        ([7], "wrong-type 5", "Put it in quotes."),
    ],
)
@pytest.mark.parametrize("name", ["staging", "production", None])
def test_mistakes_in_the_list(
    root: Path, environments: object, code: str, hint: str, name: str | None
) -> None:
    """Each is one error, in every environment, at its place."""
    write(root, "reconciler.yaml", TWO + "manifests: [a.yaml]\n")
    text = f"version: 1\nexams:\n  a:\n    environments: {environments}\n"
    if isinstance(environments, list) and environments:
        text = text.replace(f" {environments}", "".join(f"\n      - {each}" for each in environments))
    write(root, "a.yaml", text + "".join(f"    {key}: {value}\n" for key, value in EXAM.items()))
    loaded = Workspace.open(root=root, environment=name).validate()
    assert (codes(loaded), loaded.diagnostics[0].hint) == ([code], hint)
    assert " (in " not in loaded.diagnostics[0].message


def test_without_environments_none_can_be_named(root: Path) -> None:
    """The list is an error without a workspace file, or with one that has none; a broken one is told."""
    exam = EXAM | ONLY | {"configuration": DATES}
    for text in (None, "version: 1\n", "version: 1\nenvironmnets: {}\n"):
        (root / "reconciler.yaml").unlink(missing_ok=True)
        if text is not None:
            write(root, "reconciler.yaml", text)
        loaded = validated(root, installSid=AI, courses={"cs": CU}, exams={"a": exam})
        (found,) = loaded.diagnostics
        assert found.code == ("unknown-field" if text and "mnets" in text else "unknown-environment")
    write(root, "reconciler.yaml", "version: 1\n")
    (found,) = validated(root, installSid=AI, courses={"cs": CU}, exams={"a": exam}).diagnostics
    assert found.hint.startswith("The workspace has none")


def test_an_exam_for_other_environments_is_checked_for_what_is_the_same_in_all(root: Path) -> None:
    """Its course, contact, zone and install are those of its environments; all else is told at once."""
    right = EXAM | ONLY | LOCAL | {"course": "new"}
    assert validated(root, "staging", exams={"a": right}).diagnostics == ()
    (found,) = validated(
        root, "staging", exams={"a": {key: right[key] for key in right if key != "course"} | LOCAL}
    ).diagnostics
    assert found.code == "no-course"
    wrong = right | {
        "unheard": "x",
        "timezone": "Mars",
        "configuration": {"examOpenDate": "31.12.", "password": {}},
    }
    here = codes(validated(root, "staging", exams={"a": wrong}))
    assert sorted(code.split()[0] for code in here) == [
        "bad-date-time",
        "bad-secret",
        "unknown-field",
        "unknown-timezone",
    ]
    assert codes(validated(root, exams={"a": wrong})) == here
    text = TWO.replace(f"installSid: {AI}, courses: {{cs: {CU}}}", f"courses: {{cs: {CU}}}")
    write(root, "reconciler.yaml", text)
    assert validated(root, "staging", exams={"a": right}).diagnostics == ()
    assert codes(validated(root, "staging", exams={"a": right, "b": EXAM | {"title": "B"}})) == [
        "no-install-sid 3"
    ]


def test_a_mistake_that_only_its_environment_has_is_told(root: Path) -> None:
    """`validate` without an environment checks an exam in those that it is for."""
    exams = {"a": EXAM | ONLY | {"course": "old"}, "b": EXAM | {"environments": ["staging"], "course": "new"}}
    found = validated(root, exams=exams).diagnostics
    assert [each.message for each in found] == [
        "no course is called 'old' (in production)",
        "no course is called 'new' (in staging)",
    ]


def test_exams_are_compared_with_those_of_their_environment_only(root: Path) -> None:
    """Two of one title are two exams where neither environment has both."""
    exams = {"a": EXAM | ONLY, "b": EXAM | {"environments": ["staging"]}}
    assert validated(root, exams=exams).diagnostics == ()
    exams["b"] = EXAM | {"environments": ["staging", "production"]}
    found = validated(root, exams=exams).diagnostics
    assert {each.code for each in found} == {"same-exam"}
    assert all(each.message.endswith(" (in production)") for each in found)


def test_an_ignore_comment_for_an_exam_elsewhere_is_not_unused(root: Path) -> None:
    """In staging no rule sees the exam, so that nothing says whether the comment is of use."""
    write(root, "reconciler.yaml", TWO + "manifests: [a.yaml]\n")
    fields = EXAM | {"configuration": {"duration": 1}}
    text = "version: 1\nexams:\n  a:\n    environments: [production] # reconciler: ignore[title-spaces] why\n"
    write(root, "a.yaml", text + "".join(f"    {key}: {value}\n" for key, value in fields.items()))
    assert codes(Workspace.open(root=root, environment="production").validate()) == ["unused-ignore 4"]
    for name in ("staging", None):
        assert codes(Workspace.open(root=root, environment=name).validate()) == []


BLOCKS = {
    "imports": [{"exam": "a", "sid": f"EX{1:032x}"}],
    "moved": [{"from": "old", "to": "a"}, {"from": "old/*", "to": "a*"}],
    "accepted": [{"exam": "a", "digest": f"sha256:{'0' * 64}"}],
    "distinct": [{"exam": "a", "from": "b"}, {"exam": "a*", "from": "b"}],
}


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_may_name_an_exam_that_is_for_other_environments(root: Path, block: str) -> None:
    """They may have work to do there: that is no mistake."""
    exams = {"a": EXAM | ONLY, "b": EXAM | {"title": "B", "configuration": {"duration": 45}}}
    assert validated(root, exams=exams, **{block: BLOCKS[block]}).diagnostics == ()
    found = validated(root, exams={"b": EXAM}, **{block: BLOCKS[block]}).diagnostics
    assert {each.code for each in found} == {"points-nowhere"}


@pytest.mark.parametrize("block", [{"removed": [{"exam": "a"}]}, {"moved": [{"from": "a", "to": "b"}]}])
def test_state_may_forget_or_rename_what_is_declared_elsewhere_only(
    root: Path, block: dict[str, Any]
) -> None:
    """In staging the exam is not declared; in production the block contradicts its declaration."""
    exams = {"a": EXAM | ONLY, "b": EXAM | {"title": "B", "configuration": {"duration": 45}}}
    assert validated(root, "staging", exams=exams, **block).diagnostics == ()
    assert [code.split()[0] for code in codes(validated(root, "production", exams=exams, **block))] == [
        "still-declared"
    ]


def test_an_address_is_one_exam_in_all_environments(root: Path) -> None:
    """Two exams at one address are refused, whatever environments they are for."""
    write(root, "reconciler.yaml", TWO + "manifests: [exams.yaml, b.yaml]\n")
    write(root, "b.yaml", {"exams": {"a": EXAM | {"environments": ["staging"]}}})
    for name in ("staging", "production", None):
        assert codes(validated(root, name, exams={"a": EXAM | ONLY})) == ["duplicate-address 4"]
