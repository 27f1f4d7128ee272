"""The lifecycle blocks of all manifests: `imports`, `moved`, `removed`, `absent`, `distinct`."""

from collections.abc import Container, Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from reconciler.manifest.findings import Findings
from reconciler.manifest.yaml_nodes import Mapping as Marked
from reconciler.manifest.yaml_nodes import Sequence, Stretch
from reconciler.model.declarations import Absence, Distinction, Import, Move, Removal
from reconciler.model.diagnostics import Severity
from reconciler.model.globs import is_address_or_glob, is_glob, is_glob_move, matches
from reconciler.model.identities import Address, AttemptId, ExamSid, is_address, is_attempt_id, is_exam_sid
from reconciler.model.positions import Position
from reconciler.model.renames import steps_to_declared
from reconciler.model.words import suggestion

POINTS_NOWHERE: Final = "points-nowhere"
"""The code of a block that concerns no declared exam: done long ago, or misspelt. Only state can tell."""

_BLOCKS: Final = ("imports", "moved", "removed", "absent", "distinct")

_STALE: Final = "If that exam is gone, remove this block; otherwise declare it under `exams`."


class _Item(Struct, frozen=True):
    """One usable item of a block: its address, what else it says, and where; `distinct` may give a reason."""

    block: str
    address: Address
    other: str
    at: Stretch
    findings: Findings
    reason: str = ""

    @property
    def declared_at(self) -> Position:
        return self.findings.source.position(self.at.start)

    def refuse(self, code: str, message: str, hint: str) -> None:
        """Note what is wrong with it."""
        self.findings.add(code, self.at, message, hint, address=self.address)

    def warn(self, message: str, hint: str) -> None:
        """Note that it concerns no declared exam."""
        self.findings.add(
            POINTS_NOWHERE, self.at, message, hint, address=self.address, severity=Severity.WARNING
        )


class Lifecycle(Struct):
    """Gathers the blocks file by file; `check` then looks at them together.

    `_routes` are the moves by name, and `_globs` the others, once all are known.
    """

    _items: dict[str, dict[str, _Item]] = field(default_factory=lambda: {block: {} for block in _BLOCKS})
    _routes: dict[Address, list[Address]] = field(default_factory=dict)
    _globs: tuple[tuple[str, str], ...] = ()
    _declared: Container[Address] = ()

    def gather(self, root: Marked, findings: Findings) -> None:
        """Take the blocks of one file, but for items that its schema refuses."""
        for block in _BLOCKS:
            for item in _items(block, root.get(block), findings):
                self._take(item)

    def _take(self, item: _Item) -> None:
        """Keep `item`, unless its block speaks of the same address already.

        For `moved` that is the same source, and for `distinct` the same pair.
        """
        key = item.other if item.block == "moved" else str(item.address)
        if item.block == "distinct":
            key = " and ".join(sorted((item.address, item.other)))
        first = self._items[item.block].setdefault(key, item)
        if first is not item:
            item.refuse(
                "duplicate-address",
                f"`{item.block}` names {item.findings.echo(key)} twice; first at {first.declared_at}",
                "Keep one of the two.",
            )

    def check(self, declared: Container[Address]) -> None:
        """Note what does not fit together, `declared` being the addresses of all exams."""
        moves = self._items["moved"].values()
        self._declared = declared
        self._routes = {Address(item.other): [item.address] for item in moves if not is_glob(item.other)}
        self._globs = tuple((item.other, str(item.address)) for item in moves if is_glob(item.other))
        self._check_imports(declared)
        self._check_moves(declared)
        self._check_absences()
        self._check_distinctions(declared)
        for item in self._items["removed"].values():
            if item.address in declared:
                item.refuse(
                    "still-declared",
                    f"'{item.address}' is to be removed and is still declared",
                    "Remove the exam from the manifest too, or this block.",
                )

    def _check_imports(self, declared: Container[Address]) -> None:
        by_sid: dict[str, _Item] = {}
        by_exam: dict[Address, _Item] = {}
        for item in self._items["imports"].values():
            exam = self._moved_on(item.address)
            first = by_sid.setdefault(item.other, item)
            if exam != self._moved_on(first.address):
                item.refuse(
                    "duplicate-sid",
                    f"{item.other} is imported as '{item.address}' and, at {first.declared_at}, "
                    f"as '{first.address}'",
                    "One exam can have one address only: keep one of the two.",
                )
            first = by_exam.setdefault(exam, item)
            if first.other != item.other:
                item.refuse(
                    "duplicate-address",
                    f"'{exam}' is imported as {item.other} and, at {first.declared_at}, as {first.other}",
                    "One address can hold one exam only: keep one of the two.",
                )
            if exam not in declared and item.address not in declared:
                item.warn(
                    f"'{item.address}' is to be imported, but no exam is declared there",
                    suggestion(item.address, _names(declared), _STALE),
                )

    def _check_absences(self) -> None:
        imports = {self._moved_on(item.address): item for item in self._items["imports"].values()}
        for item in self._items["absent"].values():
            rival = imports.get(self._moved_on(item.address))
            if rival is not None:
                item.refuse(
                    "absent-and-imported",
                    f"'{item.address}' is said not to exist here, and to exist as {rival.other} "
                    f"at {rival.declared_at}",
                    "Keep the one that is true. An `absent` that was applied has done its work.",
                )

    def _check_distinctions(self, declared: Container[Address]) -> None:
        for item in self._items["distinct"].values():
            if item.address == item.other and not is_glob(item.other):
                item.refuse(
                    "distinct-from-itself",
                    f"'{item.address}' is to be distinct from itself",
                    "Name two exams, or write globs for many.",
                )
                continue
            ends = (item.address, Address(item.other))
            known = [_is_declared(self._moved_on(end), declared) for end in ends]
            # By name, one of the two may be an exam that state alone knows.
            if not (all(known) if any(map(is_glob, ends)) else any(known)):
                lost = ends[known.index(False)]
                item.warn(
                    f"'{item.address}' is to be distinct from '{item.other}', but no exam is declared as "
                    f"'{lost}'",
                    suggestion(lost, _names(declared), _STALE),
                )

    def _moved_on(self, address: Address) -> Address:
        """Where the moves from `address` end; where they run in a circle, some address on it."""
        moves, seen = self._items["moved"], {address}
        while (item := moves.get(address)) is not None and item.address not in seen:
            address = item.address
            seen.add(address)
        if not self._globs or address in self._declared:
            return address
        steps = steps_to_declared(address, self._routes, self._globs, declared=self._declared)
        return next((end for end in sorted(steps) if end in self._declared), address)

    def _check_moves(self, declared: Container[Address]) -> None:
        moves = self._items["moved"]
        targets: dict[Address, _Item] = {}
        in_cycle = _report_cycles(moves)
        for source, item in moves.items():
            if is_glob(source) or is_glob(item.address):
                self._check_glob_move(item, declared)
                continue
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
            if self._is_lost(item, declared):
                item.warn(
                    f"'{source}' was moved to '{item.address}', but no exam is declared there",
                    suggestion(item.address, _names(declared), _STALE),
                )

    def _check_glob_move(self, item: _Item, declared: Container[Address]) -> None:
        if not is_glob_move(item.other, item.address):
            item.refuse(
                "bad-glob",
                f"{item.findings.echo(item.other)} cannot move to {item.findings.echo(item.address)}",
                "Write one `*` in each of the two, and no `?`: that in `to` stands for what the one in "
                "`from` matches.",
            )
        elif not _is_declared(item.address, declared):
            item.warn(
                f"'{item.other}' was moved to '{item.address}', but no exam is declared there",
                _STALE,
            )

    def _is_lost(self, item: _Item, declared: Container[Address]) -> bool:
        """Whether a move ends at an address that nothing declares or removes."""
        end = self._moved_on(item.address)
        is_last = end == item.address != item.other
        return is_last and end not in declared and end not in self._items["removed"]

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

    @property
    def distinctions(self) -> tuple[Distinction, ...]:
        """All pairs of exams that are two, by address."""
        return tuple(
            Distinction(
                address=item.address,
                other=Address(item.other),
                declared_at=item.declared_at,
                reason=item.reason,
            )
            for item in self._sorted("distinct")
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
            case "imports", {"exam": exam, "sid": other} if is_exam_sid(other) and is_address(exam):
                key = "exam"
            case "moved", {"to": exam, "from": other} if is_address_or_glob(other):
                key = "from"
            case "removed", {"exam": exam}:
                key, other = "exam", ""
            case "absent", {"exam": exam, "attempt": other} if is_attempt_id(other) and is_address(exam):
                key = "exam"
            case "distinct", {"exam": exam, "from": other} if is_address_or_glob(other):
                key = "exam"
            case _:
                continue
        if is_address_or_glob(exam):
            yield _Item(
                block, Address(exam), other, item.value_at(key), findings, said.get("reason", "").strip()
            )


def _is_declared(end: Address, declared: Container[Address]) -> bool:
    """Whether `end` is the address of an exam, or a glob that one matches."""
    return any(matches(address, end) for address in _names(declared)) if is_glob(end) else end in declared


def _names(declared: Container[Address]) -> Iterable[Address]:
    return declared if isinstance(declared, dict) else ()


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
                "Remove each that was made before, as when an exam gets its former address back. A swap, "
                "once made, would look like one to be made. Give one of the exams a new address, or swap "
                "them in state: with `reconciler state mv`, one of them aside first.",
            )
        settled.update(path)
    return in_cycle
