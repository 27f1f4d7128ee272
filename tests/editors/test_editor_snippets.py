"""Snippets insert a whole exam of each kind; only what a person fills in makes it a right one."""

import re

import pytest

from reconciler import schemas
from reconciler.manifest.loader import load
from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.destination import Environment

HEAD = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
timezone: America/New_York
courses: {cs101: CU1234567890abcdef1234567890abcdef}
"""
OTHER = (
    "exams:\n  cs101/quiz: { course: cs101, title: Quiz, type: Written, url: N/A, useProctorManager: false, "
    "requireApproval: false, enableAppointmentSuggestions: true, examDeliverySystemModule: canvas, "
    "configuration: { examOpenDate: 2031-09-01T09:00, examCloseDate: 2031-09-01T17:00, duration: 20 } }\n  "
)
PLACES = {
    "the first exam": "exams:\n  ",
    "behind the key": "exams: ",
    "four spaces deep": "exams:\n    ",
    "a begun word": "exams:\n  exam",
    "after another exam": OTHER,
}
LABELS = [each["label"] for each in schemas.load("manifest")["properties"]["exams"]["defaultSnippets"]]
REQUIRED = set(schemas.load("create-exam")["required"])
STOP = re.compile(r"\$(?:(\d+)|\{(\d+):([^}]*)\})")
DATES = {"scheduleOpenDate": "2031-09-01", "scheduleCloseDate": "2031-09-20", "examOpenDate": "2031-10-06"}
DATES |= {"examCloseDate": "2031-10-07", "startTime": "2031-10-06"}
ANSWERS = {
    "<course>": "cs101",
    "<exam>": "midterm-1",
    "<title>": "Midterm: Trees #1",
    "<url of the quiz>": "https://lms.example.edu/quiz/1",
    "<minutes>": "90",
    "<students>": "30",
}
"""What a person writes over a placeholder; over others any word."""


def offered(server, path, text):
    """The snippets that are offered at the end of `text`, by label."""
    server.mistakes(path, text)
    lines = text.split("\n")
    offers = server.offers(path, len(lines) - 1, len(lines[-1]))
    return {each["label"]: each for each in offers if each["label"].startswith("exam:")}


def inserted(text, offer, answer):
    """The text once `offer` is accepted at its end: indented as an editor does, each placeholder answered."""
    edit = offer["textEdit"]
    before, _, last = text.rpartition("\n")
    kept = last[: edit["range"]["start"]["character"]]
    answers: dict[str, str] = {}
    lines = []
    for line in edit["newText"].split("\n"):
        field = line.strip().partition(":")[0]

        def fill(stop, field=field):
            number, named, default = stop.groups()
            return answers.setdefault(named or number, answer(field, default or ""))

        lines.append(STOP.sub(fill, line))
    indent = " " * (len(kept) - len(kept.lstrip()))
    return f"{before}\n{kept}" + f"\n{indent}".join(lines) + "\n"


def person(field, default):
    """What a person writes over the placeholder `default` in the line of `field`."""
    if default == "<date>":
        return DATES[field]
    return ANSWERS.get(default, "Words" if default.startswith("<") else default)


def findings(tmp_path, text):
    """What `validate` finds in a manifest, and what it declares."""
    (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
    return load(["exams.yaml"], root=tmp_path, environment=Environment(name="staging"))


def test_there_is_a_snippet_for_each_kind(server, file_of):
    """A whole exam, and one of each kind, each with a sentence about it; nothing else is offered there."""
    path, text = file_of("manifest"), HEAD + PLACES["the first exam"]
    snippets = offered(server, path, text)
    assert list(snippets) == LABELS
    assert {"exam: whole", "exam: online", "exam: online, with booking"} < snippets.keys()
    assert {"exam: practice", "exam: make-up", "exam: written"} < snippets.keys()
    assert all(each["documentation"] for each in snippets.values())
    assert len(server.offers(path, text.count("\n"), 2)) == len(LABELS)


@pytest.mark.parametrize(
    ("label", "place"),
    [*((label, "the first exam") for label in LABELS), *(("exam: whole", place) for place in [*PLACES][1:])],
)
def test_a_filled_snippet_is_a_right_exam(server, file_of, tmp_path, label, place):
    """Wherever an exam may begin; neither the editor nor `validate` finds anything in it."""
    path, text = file_of("manifest"), HEAD + PLACES[place]
    whole = inserted(text, offered(server, path, text)[label], person)
    assert server.mistakes(path.with_stem(f"{path.stem}-whole"), whole) == []
    loaded = findings(tmp_path, whole)
    assert loaded.diagnostics == ()
    exam = loaded.declared.exams[0]
    assert str(exam.address) == (
        "cs101/midterm-1/001" if label == "exam: with sections" else "cs101/midterm-1"
    )
    assert exam.payload.keys() >= REQUIRED


@pytest.mark.parametrize("label", LABELS)
def test_what_is_left_unfilled_is_refused(server, file_of, tmp_path, label):
    """A snippet as it was inserted is no exam that could be created."""
    path, text = file_of("manifest"), HEAD + PLACES["the first exam"]
    whole = inserted(text, offered(server, path, text)[label], lambda _, default: default)
    assert server.mistakes(path.with_stem(f"{path.stem}-whole"), whole)
    loaded = findings(tmp_path, whole)
    assert not loaded.declared.exams
    assert "bad-address" in {each.code for each in loaded.diagnostics}


@pytest.mark.parametrize("label", LABELS)
def test_placeholders_are_reached_in_their_order(label, server, file_of):
    """The tabulator key leads from the first line to the last; the course is typed once for both places."""
    text = HEAD + PLACES["the first exam"]
    edit = offered(server, file_of("manifest"), text)[label]["textEdit"]["newText"]
    numbers = [int(plain or named) for plain, named, _ in STOP.findall(edit)]
    assert edit.splitlines()[1] == "  course: $1"
    assert numbers == [1, 2, 1, *range(3, len(numbers))]


def test_a_filled_term_is_a_right_term(server, file_of, tmp_path):
    """Below `terms:` of the workspace file there is a snippet for one."""
    path, text = file_of("workspace"), "version: 1\nterms:\n  "
    server.mistakes(path, text)
    (offer,) = [each for each in server.offers(path, 2, 2) if each["label"] == "term"]
    days = {"<term>": "2032sp", "<first day>": "2032-01-12", "<last day>": "2032-05-07"}
    days |= {"<a Monday>": "2032-03-08", "<a Sunday>": "2032-03-14"}
    whole = inserted(text, offer, lambda _, default: days[default])
    assert server.mistakes(path.with_stem(f"{path.stem}-whole"), whole) == []
    (tmp_path / "reconciler.yaml").write_text(whole, encoding="utf-8")
    loaded = load_workspace(tmp_path, environment_name=None)
    assert loaded.diagnostics == ()
    assert [len(term.mondays) for term in loaded.environment.terms.values()] == [16]


def test_kinds_are_what_they_say(server, file_of):
    """What makes an exam one of its kind is in its snippet, and not in that of another."""
    text = HEAD + PLACES["the first exam"]
    bodies = {label: each["insertText"] for label, each in offered(server, file_of("manifest"), text).items()}

    def with_(words):
        return {label.removeprefix("exam: ") for label, body in bodies.items() if words in body}

    assert with_("type: Written") == with_("url: N/A") == with_("instructorAsProctor:") == {"written"}
    assert with_("password: { fromEnv: ") == with_("EXAM_SECRET_") == with_("type: Online")
    assert with_("sections:") == {"with sections"}
    assert with_("scheduleOpenDate:") == with_("scheduleCloseDate:") == {"whole", "online, with booking"}
    assert with_('title: "[Practice] ') == {"practice"}
    assert with_("isLimitedScope: true") == {"make-up"}
    permitted = schemas.load("manifest")["definitions"]["configuration"]["properties"]
    for name, field in permitted.items():
        if field.get("type") == "boolean":
            assert with_(f"{name}: false") == {"whole"}
