"""What the documentation says is there, and what is there is documented."""

import re
import shlex
import tomllib
from itertools import takewhile
from pathlib import Path

import pytest

from reconciler import rules_api
from reconciler.cli.commands import build_parser
from reconciler.rules.registry import BUILT_IN, FIXED
from reconciler.sandbox.faults import parse_fault

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
]
SHELL_BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^ *```.*?\n(.*?)^ *```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
MENTION = re.compile(r"(?:^|(?<=[\s(]))reconciler ((?:--(?:chdir|env) \S+ )?[a-z][^`|>#;&)\n]*)")
ELSEWHERE = (
    "https://github.com/redhat-developer/yaml-language-server",
    "https://developers.smarterservices.com",
)


def section(name: str) -> str:
    """What docs/commands.md says under the heading `name`."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no heading {name!r}"
    return found.group(1)


def pages_with(pattern: re.Pattern[str]) -> list[str]:
    """What `pattern` finds in all pages."""
    return [found for page in PAGES for found in pattern.findall(page.read_text(encoding="utf-8"))]


COMMANDS = {
    parser.prog.removeprefix("reconciler "): parser
    for parser in build_parser().all_below()
    if not parser.commands
}
"""The parser of every command that can be run, by its full name; a group of commands is not one."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """A command has a heading of its own, with its options below it, which the parser fills in."""
    assert f"<!-- generated: command {name} -->" in section(f"`{name}`")


def test_every_environment_variable_is_documented() -> None:
    """The table names each variable that the command line reads."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py"))
    read = set(re.findall(r'(?:[A-Z]_VARIABLE: Final = |\bvariable\()"([A-Z_]+)"', code))
    assert "SMARTERPROCTORING_TOKEN" in read
    assert read <= set(re.findall(r"^\| `([A-Z_]+)` \|", section("Environment variables"), re.MULTILINE))


def test_every_make_target_named_exists() -> None:
    """Nobody is sent to a target that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(pages_with(re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)))
    assert {"demo", "test"} <= named <= targets


def test_every_command_line_shown_parses() -> None:
    """Each `reconciler …` line of a page is one that the parser takes."""
    blocks = [block.replace("\\\n", " ") for block in pages_with(SHELL_BLOCK)]
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    shown = [shlex.split(line, comments=True) for line in lines if line.startswith("reconciler ")]
    assert shown
    for words in shown:
        build_parser().parse_args(
            list(takewhile(lambda word: not word.startswith(("|", ">", "&", ";")), words))[1:]
        )


def test_every_command_that_code_names_exists() -> None:
    """In prose, in pipelines and in outputs too, `reconciler …` names a command, with options that it has."""
    code = "\n".join(block or inline for block, inline in pages_with(CODE))
    mentions = MENTION.findall(code.replace("\\\n", " "))
    assert len(mentions) > 100
    for mention in mentions:
        words = [word for word in mention.split() if not re.match(r"--(chdir|env)$", word)]
        name = next((one for one in (" ".join(words[:2]), words[0]) if one in COMMANDS), None)
        assert name or words[0] in {"alone", "state"}, mention
        known = (
            {text for action in COMMANDS[name]._actions for text in action.option_strings} if name else words
        )
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= {*known}, mention


def test_every_fault_shown_parses() -> None:
    """Each kind of fault in docs/sandbox.md is one that the sandbox takes."""
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    table = text.split("| kind | what happens |")[1].split("\n\n")[0]
    shown = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert shown
    for spec in shown:
        assert parse_fault(spec).spec == spec


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    """A page begins with its rule's code and has what every page has; no page names a rule that is not."""
    folder = ROOT / "docs" / "rules"
    codes = {rule.code for rule in BUILT_IN}
    assert {page.stem for page in folder.glob("*.md")} - {"README", "plugins"} == codes
    headings = ["Why", "An example that fires", "How to mend it", "How to silence it"]
    for page in folder.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"ignore\[([^\]]+)\]", text)) | set(
            re.findall(r"rules: \{ ?([a-z/-]+):", text)
        )
        for code in (code.strip() for listed in named for code in listed.split(",")):
            assert code in codes - FIXED or code == "code" or "/" in code, f"{page.name}: {code}"
        if page.stem in codes:
            assert text.startswith(f"# {page.stem}\n\nSeverity: `")
            assert re.findall(r"^## (.*)$", text, re.MULTILINE) == headings
            assert (f"rules: {{{page.stem}: off}}" in text) is (page.stem not in FIXED)


def test_the_example_of_a_plugin_is_in_step_with_its_page() -> None:
    """What docs/rules/plugins.md lists is what a plug-in can import, and its example is Python."""
    text = (ROOT / "docs" / "rules" / "plugins.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert listed | {"Check", "Json", "Path", "Payload"} == set(rules_api.__all__)
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 - it is ours
    assert isinstance(names["RULES"], list)


def test_every_link_between_pages_leads_somewhere() -> None:
    """A relative link names a file of the project and, with #, a heading in it."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            linked = page.parent / name if name else page
            assert linked.is_file(), f"{page.name}: {target}"
            if anchor:
                assert anchor in anchors(linked), f"{page.name}: {target}"


def test_links_to_other_sites_are_few_and_secure() -> None:
    """A page leads to another site only for what nobody can find here; every such address is on this list."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    linked = {
        link for link in pages_with(re.compile(r"\]\((\w+:[^)]*)\)")) if not link.startswith(urls["Source"])
    }
    assert linked == {*ELSEWHERE}
    assert all(re.fullmatch(r"https://[\w.-]+(?:/[\w./-]+)?", link) for link in {*linked, *urls.values()})


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_can_be_read_at_one_sitting() -> None:
    """It has at most 150 lines; what is longer has a page of its own."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_picture_has_a_text_and_is_there() -> None:
    """Who cannot see a picture hears what it shows."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shown = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
        shown += [(alt, file) for file, alt in re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]*)"', text)]
        assert len(shown) == len(re.findall(r"!\[|<img ", text)), page.name
        for alt, file in shown:
            assert len(alt.split()) > 3, f"{page.name}: {file}"
            assert (page.parent / file).is_file(), f"{page.name}: {file}"


def test_every_promise_is_shown_by_tests_that_exist() -> None:
    """The README names only folders of tests that hold tests."""
    named = set(re.findall(r"`tests/([a-z]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named
    for room in named:
        assert list((ROOT / "tests" / room).glob("test_*.py")), room


def test_every_test_that_a_page_names_exists() -> None:
    """What a page claims can be looked up in the suite."""
    suite = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(pages_with(re.compile(r"`(test_\w+)`")))
    assert "test_a_kill_at_any_step" in named
    assert {name for name in named if not re.search(rf"\bdef {name}\(", suite)} == set()
    for name in pages_with(re.compile(r"`(tests/\S+\.py)`")):
        assert list(ROOT.glob(name)), name
