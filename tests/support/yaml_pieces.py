"""Entries of a mapping, each with `{n}` for its own key, and a comparison of what they hold."""

from reconciler.manifest.yaml_nodes import Mapping, Sequence, Value

ENTRIES = [
    "  {n}:\n    title: Exam {n}\n    configuration:\n      password: {{fromEnv: EXAM_SECRET_{n}}}\n",
    "  {n}: {{title: Short, tags: [a, [b, {{c: 1}}]]}}\n",
    "  {n}:\n    note: |\n      first\n\n       second\n    end: 1\n",
    "  {n}:\n    note: >-\n      a folded\n      text\n",
    "  # a comment\n\n  {n}:\n    title: 'it''s'\n    empty:\n",
    "  {n}:\n    list:\n    - 1\n    - two\n    - {{three: ~}}\n\n\n",
    '  {n}: "a text over\n    two lines"\n',
    "  {n}:\n",
    "  'q{n}': 1\n",
    "  ? {n}\n  : value\n",
    "  {n}: plain over\n    two lines\n",
    "  {n}:\n    é: ünï\n    password: a written secret\n",
]
TRICKS = [
    '  {n}: "open\n  x{n}: closed"\n',
    "  {n}: [1,\n  2]\n",
    "  {n}: [1,\n  a{n}: 2]\n",
    "  {n}: &anchor {{a: 1}}\n",
    "  {n}: *anchor\n",
    "  {n}: !!str 1\n",
    "  {n}: .inf\n",
    "  e0: again\n",
    "  {n}:\n   bad\n  indent: 1\n    x: 2\n",
    " {n}: outside\n",
    "---\n",
    "...\n",
    "imports: []\n",
    "  {n}: |\n  not indented: 1\n",
    "  1: a number\n",
    "  <<: {{a: 1}}\n",
    "  {n}: 'open\n",
    "\t{n}: tab\n",
    "  {n}: {{\n  a{n}: 1}}\n",
    "  - item\n",
]


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal in everything, marks and order of keys included."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return (
            list(one) == list(other)
            and one.marks == other.marks
            and all(map(same, one.values(), other.values()))
        )
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one) == len(other) and one.marks == other.marks and all(map(same, one, other))
    return type(one) is type(other) and one == other
