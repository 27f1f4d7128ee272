"""What an editor offers while one types, and shows where one points."""

import pytest

from reconciler import schemas

MANIFEST = schemas.load("manifest")
EXAM = MANIFEST["definitions"]["exam"]["properties"]
CONFIGURATION = MANIFEST["definitions"]["configuration"]["properties"]
WORKSPACE = schemas.load("workspace")
ENVIRONMENT = WORKSPACE["definitions"]["environment"]["properties"]
PATTERN_MARKS = ("^", "(?", "{32}")

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
        assert shown(offers[name]["documentation"]) == markdown(field)
        assert not any(mark in shown(offers[name]["documentation"]) for mark in PATTERN_MARKS)


def markdown(field):
    """What the schema says of `field`, in Markdown; a text beside a reference wins over that behind it."""
    target = MANIFEST["definitions"].get(field.get("$ref", "").rpartition("/")[2], {})
    texts = target | field
    return texts.get("markdownDescription", texts["description"])


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
    "version": MANIFEST["properties"]["version"],
    "defaults": MANIFEST["properties"]["defaults"],
    "type": EXAM["type"],
    "exams": MANIFEST["properties"]["exams"],
    "cs101/final:": MANIFEST["definitions"]["exam"],
    "title": EXAM["title"],
    "configuration": MANIFEST["definitions"]["configuration"],
    "examOpenDate": CONFIGURATION["examOpenDate"],
    "password": MANIFEST["definitions"]["secret"],
    "moved": MANIFEST["properties"]["moved"],
    "from:": MANIFEST["properties"]["moved"]["items"]["properties"]["from"],
}


@pytest.mark.parametrize("word", HOVERS)
def test_a_key_shows_its_description(server, file_of, word):
    """A pointer on a key, from the first line of the file to the last, is told what the schema says of it."""
    assert markdown(HOVERS[word]) in hovered(server, file_of("manifest"), HOVERED, word)


def hovered(server, path, text, word):
    """What a pointer on the first `word` of `text` is told, without the marks that keep Markdown plain."""
    server.mistakes(path, text)
    before = text[: text.index(word)]
    hover = server.hover(path, before.count("\n"), len(before.rpartition("\n")[2]) + 1)
    return hover.replace("\\", "")


LOCAL = "Local time in the zone of `timezone`, or with an offset."
UNITS = {
    "duration": "in minutes",
    "attempts": "a number of attempts",
    "capacity": "a number of students",
    **dict.fromkeys(["examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate"], LOCAL),
    "startTime": LOCAL,
}
"""How each number and each date and time of an exam is meant."""
ALL_FIELDS = CONFIGURATION | MANIFEST["definitions"]["proctor"]["properties"] | EXAM


def test_units_of_all_fields_are_known():
    """A new number or date-time needs its unit here."""
    measured = {
        name
        for name, field in ALL_FIELDS.items()
        if field.get("type") in ("number", "integer") or field.get("$ref", "").endswith("/date")
    }
    assert measured == UNITS.keys()


@pytest.mark.parametrize("field", UNITS)
def test_hovers_name_the_unit(server, file_of, field):
    """Whoever points at a number or a date learns what it counts, or which zone it is in."""
    value = "2031-10-06T09:00" if UNITS[field] == LOCAL else "1"
    place = "instructorAsProctor:\n        - " if field not in CONFIGURATION else ""
    text = f"{IN_CONFIGURATION}{place}{field}: {value}\n"
    assert UNITS[field] in hovered(server, file_of("manifest"), text, field)


def test_the_most_creates_of_a_run_have_a_unit_too(server, file_of):
    """The only number of a workspace file, with its default."""
    text = hovered(server, file_of("workspace"), f"{HEAD}maxCreates: 5\n", "maxCreates")
    assert "number of exams" in text
    assert "100" in text


def test_a_value_of_a_closed_choice_shows_the_others(server, file_of):
    """A pointer on a value is told which others there are."""
    path = file_of("manifest")
    server.mistakes(path, f"{IN_EXAM}type: Online\n")
    text = server.hover(path, 3, 12)
    assert "`Online`" in text
    assert "`Written`" in text
