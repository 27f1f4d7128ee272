"""docs/manifest.md names every key that a manifest, an exam and a workspace file may have."""

import re
from pathlib import Path

import pytest

from reconciler import schemas

PAGE = Path(__file__).parents[2] / "docs" / "manifest.md"
MANIFEST, WORKSPACE = schemas.load("manifest"), schemas.load("workspace")
KEYS = {
    *MANIFEST["properties"],
    *MANIFEST["definitions"]["exam"]["properties"],
    *WORKSPACE["properties"],
    *WORKSPACE["definitions"]["environment"]["properties"],
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_documented(key: str) -> None:
    """A key stands in the page as code: by itself, or in an example followed by its value."""
    text = PAGE.read_text(encoding="utf-8")
    assert re.search(rf"`{key}`|(?<!\w){key}:", text), key
