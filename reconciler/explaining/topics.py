"""Topics of `explain`, found by name: fields, rules and exit codes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.explaining.fields import Field, all_fields, markdown_of
from reconciler.model.rules import RETIRED, Rule
from reconciler.model.words import nearest

_WHEEL: Final = Path(__file__).parent / "pages"
_CHECKOUT: Final = Path(__file__).parents[2] / "docs" / "rules"
_MOST_NEAR: Final = 3
_HOLDERS: Final = ("exams", "exam", "defaults", "profiles")
"""Keys that may precede the path of an exam's field."""


class Topics(Struct, frozen=True):
    """All fields, and the given `rules` and exit codes."""

    rules: Sequence[Rule]
    exit_codes: Mapping[int, str]

    def explained(self, topic: str) -> str | None:
        """Return the explanation of `topic`, in Markdown; None if there is no such topic."""
        if topic.isascii() and topic.isdigit() and int(topic[:4]) in self.exit_codes:
            return f"# Exit code {int(topic)}\n\n{self.exit_codes[int(topic)]}\n"
        if topic in RETIRED:
            retired = f"The rule `{topic}` no longer exists: `{RETIRED[topic]}` has replaced it."
            return f"{retired}\n\n{self.explained(RETIRED[topic])}"
        for rule in self.rules:
            if rule.code == topic:
                return _rule(rule)
        fields = _fields_called(topic)
        return "\n".join(map(markdown_of, fields)) if fields else None

    def nearest(self, topic: str) -> list[str]:
        """Return the names most like `topic`, the nearest first."""
        names = [*(field.name for field in all_fields()), *(rule.code for rule in self.rules)]
        return nearest(topic, [*(name.rpartition(".")[2] for name in names), *names], most=_MOST_NEAR)

    def overview(self) -> str:
        """Return a list of all names, in Markdown."""
        lines = ["# What can be explained", "", "## Rules", ""]
        lines += [f"- `{rule.code}`: {rule.summary}" for rule in self.rules]
        for place in dict.fromkeys(field.place for field in all_fields()):
            lines += ["", f"## Fields of {place}", ""]
            lines += [f"- `{field.name}`" for field in all_fields() if field.place == place]
        lines += ["", "## Exit codes", ""]
        lines += [f"- `{code}`: {meaning}" for code, meaning in self.exit_codes.items()]
        return "\n".join([*lines, ""])


def page_of(rule: Rule) -> str | None:
    """Return the page about `rule`: from docs/rules/ or the wheel, or a plug-in's own."""
    if "/" in rule.code:
        return rule.page
    page = (_WHEEL if _WHEEL.is_dir() else _CHECKOUT) / f"{rule.code}.md"
    return page.read_text(encoding="utf-8") if page.is_file() else None


def _rule(rule: Rule) -> str:
    """Return the page about `rule`; without one, its summary."""
    return (
        page_of(rule)
        or f"# {rule.code}\n\nFinds {rule.summary}. Default severity: `{rule.severity.value}`.\n"
    )


def _fields_called(topic: str) -> list[Field]:
    """Return the fields whose path ends with `topic`, the shortest path first."""
    steps = tuple(topic.split("."))
    if steps[0] in _HOLDERS and len(steps) > 1:
        steps = steps[1:]
    found = [field for field in all_fields() if field.path[-len(steps) :] == steps]
    return sorted(found, key=lambda field: len(field.path))
