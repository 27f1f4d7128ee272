"""Topics of `explain`, found by name: words of outputs, fields, rules, exit codes and pages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from reconciler.explaining.fields import Field, all_fields, markdown_of
from reconciler.explaining.pages import page, words
from reconciler.model.rules import RETIRED, Rule
from reconciler.model.words import nearest

_MOST_NEAR: Final = 3
_HOLDERS: Final = ("exams", "exam", "defaults", "profiles")
"""Keys that may precede the path of an exam's field."""
PAGES: Final = ("sandbox", "stores", "stores/git", "stores/http", "stores/object-storage")
"""Pages of the documentation that messages name."""


class Topics(Struct, frozen=True):
    """All words of outputs, fields and pages, and the given `rules` and exit codes."""

    rules: Sequence[Rule]
    exit_codes: Mapping[int, str]

    def explained(self, topic: str) -> str | None:
        """Return the explanation of `topic`, in Markdown; None if there is no such topic.

        A name may have several meanings, such as an action and a block: all of them are told.
        """
        return "\n".join(self._meanings(topic)) or None

    def names(self) -> list[str]:
        """Return all names that can be explained, without those of retired rules."""
        codes = [rule.code for rule in self.rules]
        fields = [field.name for field in all_fields()]
        return list(dict.fromkeys([*codes, *words(), *fields, *map(str, self.exit_codes), *PAGES]))

    def _meanings(self, topic: str) -> Iterator[str]:
        if topic.isascii() and topic.isdigit() and int(topic[:4]) in self.exit_codes:
            yield f"# Exit code {int(topic)}\n\n{self.exit_codes[int(topic)]}\n"
        if topic in RETIRED:
            yield f"The rule `{topic}` no longer exists: `{RETIRED[topic]}` has replaced it.\n"
        yield from (_rule(rule) for rule in self.rules if rule.code in {topic, RETIRED.get(topic)})
        for word in words().values():
            if word.name.casefold() == topic.casefold():
                yield f"# {word.name}\n\n{word.text}\n\n- belongs to: {word.group}\n"
        yield from map(markdown_of, _fields_called(topic))
        if topic in PAGES:
            yield page(topic) or ""

    def nearest(self, topic: str) -> list[str]:
        """Return the names most like `topic`, the nearest first."""
        names = self.names()
        return nearest(topic, [*(name.rpartition(".")[2] for name in names), *names], most=_MOST_NEAR)

    def overview(self) -> str:
        """Return a list of all names, in Markdown."""
        lines = ["# What can be explained", "", "## Rules", ""]
        lines += [f"- `{rule.code}`: {rule.summary}" for rule in self.rules]
        for group in dict.fromkeys(word.group for word in words().values()):
            lines += ["", f"## {group}", ""]
            lines += [f"- `{word.name}`: {word.sentence}" for word in words().values() if word.group == group]
        for place in dict.fromkeys(field.place for field in all_fields()):
            lines += ["", f"## Fields of {place}", ""]
            lines += [f"- `{field.name}`" for field in all_fields() if field.place == place]
        lines += ["", "## Exit codes", ""]
        lines += [f"- `{code}`: {meaning}" for code, meaning in self.exit_codes.items()]
        lines += ["", "## Pages", "", *(f"- `{name}`" for name in PAGES)]
        return "\n".join([*lines, ""])


def page_of(rule: Rule) -> str | None:
    """Return the page about `rule`: of the documentation, or a plug-in's own."""
    return rule.page if "/" in rule.code else page(f"rules/{rule.code}")


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
