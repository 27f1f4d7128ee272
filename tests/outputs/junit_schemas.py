"""What two published schemas of JUnit XML allow, as tables.

Elements that reconciler does not write (`properties`, `system-out`, reruns) are in no table, and are refused.

Jenkins: junit-10.xsd of the xunit plugin (`src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/`).
Maven: surefire-test-report.xsd of Surefire 3 (`maven-surefire-plugin/src/site/resources/xsd/`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?")
"""The stricter of the two patterns for `time`: Jenkins allows more decimals."""


@dataclass(frozen=True)
class Rule:
    """What one element may have. `children` are in the order that a sequence asks for, each with its most."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    children: Mapping[str, int] = field(default_factory=dict)
    is_sequence: bool = False
    has_text: bool = False


MANY = 10**9


def names(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Schema:
    """The elements that a schema allows, and those with which a document may begin."""

    roots: frozenset[str]
    rules: Mapping[str, Rule]

    def check(self, root: Element) -> None:
        """Fail unless the schema allows the document `root`."""
        assert root.tag in self.roots, f"a document does not begin with {root.tag}"
        self._check(root)

    def _check(self, element: Element) -> None:
        rule = self.rules[element.tag]
        given = frozenset(element.attrib)
        assert given >= rule.required, f"{element.tag} lacks {set(rule.required - given)}"
        assert given <= rule.required | rule.optional, f"{element.tag} has {set(given)}"
        assert "time" not in given or TIME.fullmatch(element.attrib["time"])
        tags = [child.tag for child in element]
        assert all(tags.count(tag) <= rule.children.get(tag, 0) for tag in tags), f"{element.tag}: {tags}"
        if rule.is_sequence:
            assert tags == sorted(tags, key=list(rule.children).index), f"{element.tag}: {tags}"
        texts = [element.text, *(child.tail for child in element)]
        assert rule.has_text or not any((text or "").strip() for text in texts), f"text in {element.tag}"
        for child in element:
            self._check(child)


_RESULT = Rule(optional=names("type message"), has_text=True)
_TYPED = Rule(required=names("type"), optional=names("message"), has_text=True)

JENKINS = Schema(
    roots=names("testsuites testsuite testcase failure error skipped"),
    rules={
        "failure": _RESULT,
        "error": _RESULT,
        "skipped": _RESULT,
        "testcase": Rule(
            required=names("name"),
            optional=names("time classname group"),
            children=dict.fromkeys(("skipped", "error", "failure"), MANY),
        ),
        "testsuite": Rule(
            required=names("name tests failures errors"),
            optional=names("group time skipped timestamp hostname id package file log url"),
            children=dict.fromkeys(("testsuite", "testcase"), MANY),
        ),
        "testsuites": Rule(optional=names("name time tests failures errors"), children={"testsuite": MANY}),
    },
)

SUREFIRE = Schema(
    roots=names("testsuite"),
    rules={
        "failure": _TYPED,
        "error": _TYPED,
        "skipped": Rule(optional=names("message"), has_text=True),
        "testcase": Rule(
            required=names("name time"),
            optional=names("classname group"),
            children={"failure": MANY, "skipped": 1, "error": 1},
            is_sequence=True,
        ),
        "testsuite": Rule(
            required=names("name tests errors skipped failures"),
            optional=names("time group"),
            children={"testcase": MANY},
        ),
    },
)
