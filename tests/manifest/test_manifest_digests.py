"""Bodies have no marks, and whole numbers are written as such."""

from typing import Any

from reconciler.manifest.exam.payload import body_of
from reconciler.manifest.header import context_of
from reconciler.manifest.yaml.document import read
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.destination import Environment


def body(text: str) -> dict[str, Any]:
    """The body of an exam written as `text`."""
    diagnostics, document = read("f", text.encode())
    assert document is not None
    context = context_of([document.root], Environment(), diagnostics)
    return body_of(document.root, context)[0]


def test_a_body_is_as_it_was_written():
    """Keys keep their order but for the configuration, and nothing has marks any more."""
    found = body("z: 1.0\nconfiguration: {b: [x, {c: 2}], a: ~}\ntitle: t\ncourse: c\n")
    assert found == {"z": 1, "title": "t", "configuration": {"b": ["x", {"c": 2}], "a": None}}
    assert not any(isinstance(value, YamlMapping) for value in found.values())
    assert type(found["z"]) is int
