"""A language server with the product's schemas, in a folder as a user would set it up."""

import pytest
from language_server import language_server

from reconciler import schemas

MODELINE = "# yaml-language-server: $schema={}.schema.json\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder that holds nothing but the two schemas, as `reconciler schema` prints them."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("manifest", "workspace"):
        (folder / f"{name}.schema.json").write_text(schemas.text_of(name), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(desk):
    """A server that works in `desk`; its settings give files whose names begin with `set-` their schemas."""
    associations = {
        (desk / "manifest.schema.json").as_uri(): "set-manifest-*.yaml",
        "./workspace.schema.json": "set-workspace-*.yaml",
    }
    with language_server(desk, associations) as running:
        yield running


@pytest.fixture
def file_of(desk, request):
    """Where a text is to be opened that is of the schema `kind`: a name that no other test uses."""
    return lambda kind: desk / f"set-{kind}-{abs(hash(request.node.name))}.yaml"
