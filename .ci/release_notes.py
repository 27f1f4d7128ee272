"""Print the notes of a release: the section of its version in CHANGELOG.md.

    release_notes.py TAG ADDRESS

TAG is what is released, and ADDRESS is that of the repository that releases it. If either is not what the
package says of itself, or the changelog has no section for the version, it prints no notes and exits with 1.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def package_version() -> str:
    """Return the version of the package."""
    text = (ROOT / "reconciler" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return version


def section(changelog: str, version: str) -> str:
    """Return what `changelog` says of `version`, without its heading; empty where it says nothing."""
    parts = re.split(r"^## \[(.+?)\].*$", changelog, flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return texts.get(version, "").strip()


def refusal(tag: str, address: str, notes: str) -> str | None:
    """Return why this cannot be released; None if it can."""
    version = package_version()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if tag != f"v{version}":
        return f"the tag is {tag}, and reconciler/__init__.py says {version}: change one of them"
    if address != project["urls"]["Source"]:
        return (
            f"this repository is {address}, and the package names {project['urls']['Source']}:"
            " change [project.urls] in pyproject.toml, and what quotes it (`pytest tests/project` lists that)"
        )
    return None if notes else f"CHANGELOG.md has no text under a heading '## [{version}]': write it"


def main(tag: str, address: str) -> None:
    """Print the notes of `tag`, or say why there is no release."""
    notes = section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), package_version())
    if why := refusal(tag, address, notes):
        sys.exit(f"release: {why}")
    sys.stdout.write(notes + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
