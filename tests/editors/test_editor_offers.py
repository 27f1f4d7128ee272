"""What an editor offers while one types, and shows where one points."""

import pytest

from reconciler import schemas

MANIFEST = schemas.load("manifest")
EXAM = MANIFEST["definitions"]["exam"]["properties"]
CONFIGURATION = MANIFEST["definitions"]["configuration"]["properties"]
WORKSPACE = schemas.load("workspace")
ENVIRONMENT = WORKSPACE["definitions"]["environment"]["properties"]
ADDRESS = MANIFEST["definitions"]["address"]["description"]

HEAD = "version: 1\n"
IN_EXAM = f"{HEAD}exams:\n  a:\n    "
IN_CONFIGURATION = f"{IN_EXAM}configuration:\n      "


def offered(server, path, text):
    """What is offered at the end of `text`, by label."""
    server.mistakes(path, text)
    lines = text.split("\n")
    return {offer["label"]: offer for offer in server.offers(path, len(lines) - 1, len(lines[-1]))}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param(IN_EXAM, EXAM, id="exam"),
        pytest.param(f"{HEAD}defaults:\n  ", EXAM, id="defaults"),
        pytest.param(f"{HEAD}profiles:\n  closed-book:\n    ", EXAM, id="profile"),
        pytest.param(IN_CONFIGURATION, CONFIGURATION, id="configuration"),
        pytest.param(f"{HEAD}defaults:\n  configuration:\n    ", CONFIGURATION, id="default configuration"),
    ],
)
def test_all_fields_are_offered_with_their_descriptions(server, file_of, text, fields):
    """Each field of the API, and each of ours, is offered by name, with what the schema says of it."""
    offers = offered(server, file_of("manifest"), text)
    assert offers.keys() == fields.keys()
    for name, field in fields.items():
        if "description" in field:
            assert shown(offers[name]["documentation"]) == field["description"]
        assert shown(offers[name]["documentation"])


def shown(documentation):
    """The text of what accompanies an offer."""
    return documentation if isinstance(documentation, str) else documentation["value"]


def test_what_is_not_yet_there_is_offered_at_the_top(server, file_of):
    """Between the blocks of a file, the others are offered."""
    offers = offered(server, file_of("manifest"), f"{HEAD}courses: {{}}\n")
    assert offers.keys() == MANIFEST["properties"].keys() - {"version", "courses"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param(f"{IN_EXAM}type: ", {"Online", "Written"}, id="type"),
        pytest.param(f"{IN_EXAM}status: ", {"active", "draft", "deleted"}, id="status"),
        pytest.param(f"{IN_EXAM}useProctorManager: ", {"true", "false"}, id="boolean"),
    ],
)
def test_the_values_of_a_closed_choice_are_offered(server, file_of, text, values):
    """Behind the colon stand all values that the API knows, and no other."""
    assert offered(server, file_of("manifest"), text).keys() == values


@pytest.mark.parametrize(
    ("block", "keys"),
    [
        ("imports", ["exam", "sid"]),
        ("moved", ["from", "to"]),
        ("removed", ["exam"]),
        ("absent", ["exam", "attempt"]),
        ("accepted", ["exam", "digest"]),
    ],
)
def test_the_keys_of_lifecycle_blocks_are_offered(server, file_of, block, keys):
    """In an item of a block its keys are offered, and from the top the whole block."""
    within = offered(server, file_of("manifest"), f"{HEAD}{block}:\n  - ")
    assert within.keys() >= set(keys)
    path = file_of("manifest")
    whole = offered(server, path.with_stem(f"{path.stem}-top"), HEAD)
    assert all(f"{key}: " in whole[block]["insertText"] for key in keys)


def test_a_password_is_offered_as_a_reference(server, file_of):
    """Whoever lets the editor complete `password` is led to a reference, not to a literal."""
    insert = offered(server, file_of("manifest"), IN_CONFIGURATION)["password"]["insertText"]
    assert insert == "password:\n  fromEnv: EXAM_SECRET_"
    path = file_of("manifest")
    within = offered(server, path.with_stem(f"{path.stem}-in"), f"{IN_CONFIGURATION}password:\n        ")
    assert within.keys() >= {"fromEnv", "fromFile"}


def test_the_keys_of_a_workspace_are_offered(server, file_of):
    """At the top and in an environment, with what the schema says of them."""
    path = file_of("workspace")
    assert offered(server, path, HEAD).keys() == WORKSPACE["properties"].keys() - {"version"}
    inner = offered(server, path.with_stem(f"{path.stem}-in"), f"{HEAD}environments:\n  staging:\n    ")
    assert inner.keys() == ENVIRONMENT.keys()


HOVERED = f"""\
{HEAD}defaults:
  type: Online
exams:
  cs101/final:
    title: Final
    configuration:
      duration: 90
      examOpenDate: 2031-12-15T08:00
      password: {{ fromEnv: EXAM_SECRET_A }}
moved:
  - {{ from: cs101/old, to: cs101/final }}
"""
HOVERS = {
    "version": MANIFEST["properties"]["version"]["description"],
    "defaults": MANIFEST["properties"]["defaults"]["description"],
    "type": EXAM["type"]["description"],
    "exams": MANIFEST["properties"]["exams"]["description"],
    "cs101/final:": MANIFEST["definitions"]["exam"]["description"],
    "title": EXAM["title"]["description"],
    "configuration": MANIFEST["definitions"]["configuration"]["description"],
    "duration": CONFIGURATION["duration"]["description"],
    "examOpenDate": CONFIGURATION["examOpenDate"]["description"],
    "password": MANIFEST["definitions"]["secret"]["description"],
    "moved": MANIFEST["properties"]["moved"]["description"],
    "from:": MANIFEST["properties"]["moved"]["items"]["properties"]["from"]["description"],
}


@pytest.mark.parametrize("word", HOVERS)
def test_a_key_shows_its_description(server, file_of, word):
    """A pointer on a key, of the first line of the file to the last, is told what the schema says of it."""
    path = file_of("manifest")
    server.mistakes(path, HOVERED)
    before = HOVERED[: HOVERED.index(word)]
    text = server.hover(path, before.count("\n"), len(before.rpartition("\n")[2]) + 1)
    assert HOVERS[word] in text.replace("\\", "")


def test_a_value_of_a_closed_choice_shows_the_others(server, file_of):
    """A pointer on a value is told which others there are."""
    path = file_of("manifest")
    server.mistakes(path, f"{IN_EXAM}type: Online\n")
    text = server.hover(path, 3, 12)
    assert "`Online`" in text
    assert "`Written`" in text
