"""Every code that the package can print has an explanation, and every explanation has a code.

The codes are collected from the source: what is passed as `code` to a function or class, wherever it stands.
"""

import ast
import enum
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler
from reconciler.explaining.pages import DIAGNOSTICS, page, words
from reconciler.explaining.topics import PAGES, Topics
from reconciler.model.plan import Action
from reconciler.model.report import Outcome, RecoveryVerdict
from reconciler.model.rules import RETIRED
from reconciler.rules.registry import RuleRegistry

PACKAGE = Path(reconciler.__file__).parent
ROOMS = ("drafting", "manifest", "model", "planning", "rules")
"""The rooms that make diagnostics, guards and notes."""
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] in (*ROOMS, "workspace.py")
}
TOPICS = Topics(RuleRegistry().rules, {})
ENUMS: tuple[type[enum.Enum], ...] = (Action, Outcome, RecoveryVerdict)


def nodes() -> Iterator[ast.AST]:
    """Every node of the source."""
    for tree in TREES.values():
        yield from ast.walk(tree)


def places_of_codes() -> dict[str, tuple[int, ...]]:
    """Of each function or class with a parameter or field `code`: the positions at which it may be passed."""
    places: dict[str, set[int]] = {}
    for node in nodes():
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            names = [one.arg for one in node.args.args if one.arg != "self"]
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [one.target.id for one in fields if isinstance(one.target, ast.Name)]
            made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
            names = [one.arg for one in made[0].args.args[1:]] if made else names
        else:
            continue
        if "code" in names:
            places.setdefault(node.name, set()).add(names.index("code"))
    return {name: tuple(found) for name, found in places.items()}


def constants() -> dict[str, list[ast.expr]]:
    """What the names of all modules stand for."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes():
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for one, value in zip(target.elts, node.value.elts, strict=False):
                        if isinstance(one, ast.Name):
                            found.setdefault(one.id, []).append(value)
    return found


def texts_of(value: ast.expr, known: dict[str, list[ast.expr]], depth: int = 0) -> Iterator[str]:
    """The texts that `value` may be."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from texts_of(value.body, known, depth)
        yield from texts_of(value.orelse, known, depth)
    elif isinstance(value, ast.BoolOp):
        for one in value.values:
            yield from texts_of(one, known, depth)
    elif isinstance(value, ast.Name) and depth < 4:
        for one in known.get(value.id, ()):
            yield from texts_of(one, known, depth + 1)


def codes_of_table(loop: ast.For, known: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The codes of a table whose rows a loop takes apart."""
    for row in (one for one in ast.walk(loop.target) if isinstance(one, ast.Tuple)):
        names = [getattr(one, "id", "") for one in row.elts]
        tables = (
            [one.id for one in ast.walk(loop.iter) if isinstance(one, ast.Name)] if "code" in names else []
        )
        for value in (value for table in tables for value in known.get(table, ())):
            for cells in (one for one in ast.walk(value) if isinstance(one, ast.Tuple)):
                yield from texts_of(cells.elts[names.index("code")], known)


def codes_in_source() -> set[str]:
    """All codes that are passed as such, and those of tables, which pair a code with a sentence."""
    places, known, found = places_of_codes(), constants(), set[str]()
    for node in nodes():
        if isinstance(node, ast.For):
            found.update(codes_of_table(node, known))
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            passed = [one.value for one in node.keywords if one.arg == "code"]
            passed += [node.args[at] for at in places.get(name, ()) if at < len(node.args)]
            for value in passed:
                found.update(texts_of(value, known))
    return found


CODES = codes_in_source()


def test_the_source_has_the_codes_that_everybody_knows() -> None:
    """The search finds codes of all kinds: of parsers, fields, blocks, rules, guards and notes."""
    some = {"syntax", "unknown-field", "bad-date-time", "still-declared", "no-password", "too-many-creates"}
    assert some | {"other-service", "done", "points-nowhere", "secrets-not-tracked"} <= CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(code: str) -> None:
    """By its own page if it is a rule's, else in docs/explain.md."""
    text = TOPICS.explained(code)
    assert text is not None
    assert len(text.split()) > 10


@pytest.mark.parametrize("kind", ENUMS)
def test_every_action_outcome_and_verdict_is_explained(kind: type[enum.Enum]) -> None:
    """Each word of an enum that is printed."""
    assert {member.value for member in kind} <= words().keys()


def test_no_explanation_is_of_a_word_that_is_never_printed() -> None:
    """What was renamed or removed is not explained any more, and no rule is explained twice."""
    printed = {member.value for kind in ENUMS for member in kind}
    of_messages = {name for name in words() if f"\n### {name}\n" in (page("explain") or "")}
    assert of_messages - printed - CODES == set()
    assert not words().keys() & {rule.code for rule in TOPICS.rules}


def test_the_words_of_the_pages_are_explained() -> None:
    """What a first output and the pages say, in capitals or not; no word is explained on two pages."""
    known = {"lineage", "serial", "fingerprint", "digest", "journal", "log", "install", "attempt", "durable"}
    assert {*known, "fold", "SID"} <= words().keys()
    assert "# SID\n" in (TOPICS.explained("sid") or "")
    both = [page("explain") or "", page("words") or ""]
    assert len(words()) == sum(text.count("\n### ") for text in both)


def test_every_retired_rule_is_explained() -> None:
    """Its name leads to what has replaced it."""
    for retired, rule in RETIRED.items():
        text = TOPICS.explained(retired)
        assert text is not None
        assert f"`{rule}` has replaced it" in text
        assert f"# {rule}\n" in text


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_an_explanation_is_short_and_says_what_to_do(word) -> None:
    """It begins with a sentence that can stand alone in reports of pipelines."""
    assert word.sentence.endswith(".")
    assert 2 <= len(word.sentence.split()) <= 30
    assert len(word.text.split()) <= 80
    assert word.group == DIAGNOSTICS or word.text.count(".") >= 1


def test_the_pages_that_messages_name_are_there() -> None:
    """Each is printed whole, and nothing outside the documentation is."""
    for name in PAGES:
        assert page(name) is not None
        assert (TOPICS.explained(name) or "").endswith(page(name) or "?")
    for name in ("../README", "rules/../../README", "/etc/passwd", "no-such", "rules", ""):
        assert page(name) is None
