"""Edits what a manifest says beside its exams' fields: term, addresses, short names of courses, blocks."""

from collections.abc import Collection, Mapping
from typing import Final

from reconciler.drafting.block_removal import ranges_in_block_style, ranges_in_flow_style
from reconciler.drafting.term_shift import TermShift
from reconciler.drafting.text_edits import Meant, TextEdits
from reconciler.drafting.written_file import WrittenFile
from reconciler.manifest.exam.unfilled import FILL_IN
from reconciler.manifest.lifecycle import BLOCKS
from reconciler.manifest.yaml.nodes import YamlMapping

_KEPT_BLOCK: Final = "distinct"


def edit_term(root: YamlMapping, edits: TextEdits, shift: TermShift) -> None:
    """Change `term`, or else the addresses that begin with the old term."""
    if "term" in root:
        edits.replace(root.value_at("term"), shift.new.name)
        return
    places = [(at, key) for key, (at, _) in root.mapping("exams").ranges().items()]
    for item in root.sequence(_KEPT_BLOCK):
        if isinstance(item, YamlMapping):
            places += [(item.value_at(key), str(item[key])) for key in ("exam", "from") if key in item]
    for at, address in places:
        edits.replace(at, shift.address(address))


def remove_blocks(written: WrittenFile, edits: TextEdits) -> None:
    """Remove the blocks that are about exams which exist."""
    root, source = written.root, written.source
    names = [name for name in BLOCKS if name in root and name != _KEPT_BLOCK]
    if edits.is_in_flow(root.value_at("version").end):
        ranges = ranges_in_flow_style(source.text, root, names)
    else:
        ranges = ranges_in_block_style(source, root, names)
    edits.remove((root.key_at(name).start for name in names), ranges)


def edit_courses(written: WrittenFile, edits: TextEdits, shift: TermShift, needed: Collection[str]) -> None:
    """Rename the courses of the file, mark their SIDs, and add those of `needed` that it lacks."""
    root, courses = written.root, written.root.mapping("courses")
    names = set[str]()
    for course, (at, value_at) in courses.ranges().items():
        name = shift.renamed(course)
        if name in names:
            written.diagnostics.add(
                "duplicate-key",
                at,
                f"another course of this file becomes {written.diagnostics.echo(name)} too",
                "Keep one of the two names.",
            )
        names.add(name)
        edits.replace(at, name)
        edits.replace(value_at, FILL_IN)
    lacking: Mapping[str, Meant] = dict.fromkeys(sorted(set(needed) - names), FILL_IN)
    if not lacking:
        return
    if "courses" not in root:
        edits.add(root, {"courses": lacking}, after="term" if "term" in root else "version")
    elif courses:
        edits.add(courses, lacking, after=list(courses)[-1])
    else:
        edits.put(root.value_at("courses"), lacking, root.key_at("courses"))
