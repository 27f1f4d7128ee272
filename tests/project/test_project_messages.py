"""What messages tell people to type: it can be typed, and it is completed by one function."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler
from reconciler.cli.commands import build_parser
from reconciler.explaining.topics import Topics
from reconciler.outputs.invocation import SCOPE_OF, WITH_PATHS, Invocation
from reconciler.rules.registry import RuleRegistry

PACKAGE = Path(reconciler.__file__).parent
NAMES = build_parser().commands
COMMAND = re.compile(rf"reconciler (?:{'|'.join(NAMES)})\b")
IN_BACKTICKS = re.compile(r"`(reconciler [^`]*)`")
MAKER = PACKAGE / "model" / "commands.py"
"""The function that makes commands."""
PATTERN = "[^`]"
"""What only a regular expression has."""
HELP = {PACKAGE / "cli" / "commands.py", PACKAGE / "cli" / "parser.py"}
"""Help, which is the same everywhere: its examples are on lines of their own."""
HERE = Invocation(("--chdir", "d", "--env", "e", "--state", "file:s"), ("p.yaml",))


def texts_and_calls(tree: ast.AST) -> Iterator[tuple[int, str | ast.Call]]:
    """All texts of a module but docstrings, with `{}` for what is filled in, and the calls of `command`."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(map(id, node.values))
            yield (
                node.lineno,
                "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values),
            )
        elif isinstance(node, ast.Call) and "command" in {
            getattr(node.func, "id", ""),
            getattr(node.func, "attr", ""),
        }:
            yield node.lineno, node
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


FOUND = [
    (path, line, found)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != MAKER
    for line, found in texts_and_calls(ast.parse(path.read_text(encoding="utf-8")))
]
TEXTS = [
    (f"{path.relative_to(PACKAGE)}:{line}", text)
    for path, line, text in FOUND
    if isinstance(text, str) and PATTERN not in text
]
COMMANDS = [
    *((place, line) for place, text in TEXTS for line in IN_BACKTICKS.findall(text)),
    *(
        (f"{path.relative_to(PACKAGE)}:{line}", " ".join(("reconciler", *map(word_of, call.args))))
        for path, line, call in FOUND
        if isinstance(call, ast.Call)
        for word_of in [lambda one: one.value if isinstance(one, ast.Constant) else "filled"]
        if call.args and not isinstance(call.args[0], ast.Starred)
    ),
]


def test_there_are_commands_in_messages() -> None:
    """The search finds them: those of texts, and those that are made."""
    lines = {line for _, line in COMMANDS}
    assert {"reconciler validate", "reconciler state list", "reconciler unlock filled"} <= lines
    assert len(COMMANDS) > 50


@pytest.mark.parametrize(("place", "line"), COMMANDS)
def test_a_command_in_a_message_can_be_typed(place: str, line: str) -> None:
    """The parser takes it, placeholders filled in; and the scope in force is added to it."""
    words = line.split()[1:]
    build_parser().parse_args(words)
    completed = HERE.completed(f"`{line}`")
    given = build_parser().parse_args(completed.strip("`").split()[1:])
    for option, value in (("--chdir", "d"), ("--env", "e"), ("--state", "file:s")):
        if option in SCOPE_OF.get(words[0], ()):
            assert str(getattr(given, option[2:])) == value, place
        else:
            assert option not in completed, place
    if words[0] in WITH_PATHS or words[0] == "accept":
        assert list(given.paths) == ["p.yaml"], place


def test_a_command_in_a_text_stands_in_backticks_and_has_nothing_filled_in() -> None:
    """So that one function completes it, and one function quotes what comes from outside."""
    for place, text in TEXTS:
        is_name = COMMAND.fullmatch(text) or text.startswith("### reconciler validate")
        if PACKAGE / place.partition(":")[0] in HELP or is_name:
            continue
        assert not COMMAND.search(IN_BACKTICKS.sub("", text)), f"{place}: not in backticks: {text}"
        assert not any("{}" in line for line in IN_BACKTICKS.findall(text)), f"{place}: {text}"


def test_no_message_names_a_file_of_the_repository() -> None:
    """Who installed the package has no such file: messages name `reconciler explain NAME`."""
    for place, text in TEXTS:
        assert not re.search(r"\bdocs/|[A-Za-z]\.md\b", text), f"{place}: {text}"


def test_what_messages_send_to_is_explained() -> None:
    """Each `reconciler explain NAME` of a message has an answer."""
    topics = Topics(RuleRegistry().rules, {})
    named = {line.split()[2] for _, line in COMMANDS if line.startswith("reconciler explain ")}
    assert {"stores/http", "sandbox"} <= named
    for name in named - {"filled", "FIELD"}:
        assert topics.explained(name), name
