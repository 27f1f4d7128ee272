"""The lifecycle blocks of all manifests: `imports`, `moved`, `removed`, `absent`."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Final

from reconciler.manifest.findings import Findings
from reconciler.manifest.words import suggestion
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.manifest.yaml_nodes import Sequence, Stretch
from reconciler.model.declarations import Absence, Import, Move, Removal
from reconciler.model.identities import Address, AttemptId, ExamSid, is_address, is_attempt_id, is_exam_sid
from reconciler.model.positions import Position

_BLOCKS: Final = ("imports", "moved", "removed", "absent")


@dataclass(frozen=True, slots=True)
class _Item:
    """One usable item of a block: its address, what else it says, and where."""

    block: str
    address: Address
    other: str
    at: Stretch
    findings: Findings

    @property
    def declared_at(self) -> Position:
        return self.findings.source.position(self.at.start)

    def refuse(self, code: str, message: str, hint: str) -> None:
        """Note what is wrong with it."""
        self.findings.add(code, self.at, message, hint, address=self.address)


@dataclass(slots=True)
class Lifecycle:
    """Gathers the blocks file by file; `check` then looks at them together."""

    _items: dict[str, dict[str, _Item]] = field(default_factory=lambda: {block: {} for block in _BLOCKS})

    def gather(self, root: Marked, findings: Findings) -> None:
        """Take the blocks of one file, but for items that its schema refuses."""
        for block in _BLOCKS:
            for item in _items(block, root.get(block), findings):
                self._take(item)

    def _take(self, item: _Item) -> None:
        """Keep `item`, unless its block speaks of the same address (moved: the same source) already."""
        key = item.other if item.block == "moved" else str(item.address)
        first = self._items[item.block].setdefault(key, item)
        if first is not item:
            item.refuse(
                "duplicate-address",
                f"`{item.block}` names {item.findings.echo(key)} twice; first at {first.declared_at}",
                "Keep one of the two.",
            )

    def check(self, declared: Container[Address]) -> None:
        """Note what does not fit together, `declared` being the addresses of all exams."""
        self._check_imports(declared)
        self._check_moves(declared)
        for item in self._items["removed"].values():
            if item.address in declared:
                item.refuse(
                    "still-declared",
                    f"'{item.address}' is to be removed and is still declared",
                    "Remove the exam from the manifest too, or this block.",
                )

    def _check_imports(self, declared: Container[Address]) -> None:
        by_sid: dict[str, _Item] = {}
        for item in self._items["imports"].values():
            first = by_sid.setdefault(item.other, item)
            if first is not item:
                item.refuse(
                    "duplicate-sid",
                    f"{item.other} is imported as '{item.address}' and, at {first.declared_at}, "
                    f"as '{first.address}'",
                    "One exam can have one address only: keep one of the two.",
                )
            if item.address not in declared:
                names = declared if isinstance(declared, dict) else ()
                item.refuse(
                    "not-declared",
                    f"'{item.address}' is to be imported, but no exam is declared there",
                    suggestion(item.address, names, "Declare the exam under `exams` first."),
                )

    def _check_moves(self, declared: Container[Address]) -> None:
        moves = self._items["moved"]
        targets: dict[Address, _Item] = {}
        in_cycle = _report_cycles(moves)
        for source, item in moves.items():
            first = targets.setdefault(item.address, item)
            if first is not item:
                item.refuse(
                    "duplicate-address",
                    f"two exams are moved to '{item.address}'; the first at {first.declared_at}",
                    "Keep one of the two.",
                )
            if source in declared and source not in in_cycle:
                item.refuse(
                    "still-declared",
                    f"'{source}' was moved to '{item.address}' and is still declared",
                    "Rename the exam in the manifest, or remove this block.",
                )

    @property
    def imports(self) -> tuple[Import, ...]:
        """All imports, by address."""
        return tuple(
            Import(address=item.address, sid=ExamSid(item.other), declared_at=item.declared_at)
            for item in self._sorted("imports")
        )

    @property
    def moves(self) -> tuple[Move, ...]:
        """All moves, by their new address."""
        return tuple(
            Move(source=Address(item.other), address=item.address, declared_at=item.declared_at)
            for item in self._sorted("moved")
        )

    @property
    def removals(self) -> tuple[Removal, ...]:
        """All removals, by address."""
        return tuple(
            Removal(address=item.address, declared_at=item.declared_at) for item in self._sorted("removed")
        )

    @property
    def absences(self) -> tuple[Absence, ...]:
        """All absences, by address."""
        return tuple(
            Absence(address=item.address, attempt=AttemptId(item.other), declared_at=item.declared_at)
            for item in self._sorted("absent")
        )

    def _sorted(self, block: str) -> list[_Item]:
        return sorted(self._items[block].values(), key=lambda item: (item.address, item.other))


def _items(block: str, value: object, findings: Findings) -> Iterator[_Item]:
    """The usable items of one block."""
    for item in value if isinstance(value, Sequence) else ():
        if not isinstance(item, Marked):
            continue
        said = {key: text for key, text in item.items() if isinstance(text, str)}
        match block, said:
            case "imports", {"exam": exam, "sid": other} if is_exam_sid(other):
                key = "exam"
            case "moved", {"to": exam, "from": other} if is_address(other):
                key = "from"
            case "removed", {"exam": exam}:
                key, other = "exam", ""
            case "absent", {"exam": exam, "attempt": other} if is_attempt_id(other):
                key = "exam"
            case _:
                continue
        if is_address(exam):
            yield _Item(block, Address(exam), other, item.value_at(key), findings)


def _report_cycles(moves: dict[str, _Item]) -> set[str]:
    """Note every ring of moves once, drawn; the addresses on one."""
    settled: set[str] = set()
    in_cycle: set[str] = set()
    for start in moves:
        path: dict[str, None] = {}
        here = start
        while here in moves and here not in settled and here not in path:
            path[here] = None
            here = moves[here].address
        if here in path:
            ring = list(path)[list(path).index(here) :]
            in_cycle.update(ring)
            moves[here].refuse(
                "move-cycle",
                f"these moves go round in a circle: {' → '.join([*ring, here])}",
                "Exams cannot swap addresses in one step: move one of them to a new address instead.",
            )
        settled.update(path)
    return in_cycle
