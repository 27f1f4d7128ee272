"""Reads and checks the lifecycle blocks: `imports`, `moved`, `removed`, `absent`, `accepted`, `distinct`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.header import term_of
from reconciler.manifest.terms import address_in_term
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.declarations import Absence, AcceptedChange, Distinction, Import, Move, Removal
from reconciler.model.diagnostics import Position, Severity
from reconciler.model.globs import is_address_or_glob, is_glob, is_glob_move, matches
from reconciler.model.identities import (
    Address,
    AttemptId,
    Digest,
    ExamSid,
    is_address,
    is_attempt_id,
    is_digest,
    is_exam_sid,
)
from reconciler.model.outside_text import tamed
from reconciler.model.renames import steps_to_declared
from reconciler.model.stored_values import LONGEST_PROSE
from reconciler.model.terms import in_term
from reconciler.model.words import suggestion

POINTS_NOWHERE: Final = "points-nowhere"
"""Code of an item that matches no declared exam. It is done or misspelt; only state can tell which."""

_Block: TypeAlias = Import | Move | Removal | Absence | AcceptedChange | Distinction
_Kind = TypeVar("_Kind", Import, Move, Removal, Absence, AcceptedChange, Distinction)

BLOCKS: Final = ("imports", "moved", "removed", "absent", "accepted", "distinct")
"""The keys of the blocks, at the top of a manifest."""

_LIKENESS: Final = 0.8
"""Addresses of one course are more alike than other names, although they are different exams."""
_ADDRESSES: Final = ("exam", "from", "to")
_STALE: Final = "If that exam is gone, remove this block; otherwise declare it under `exams`."


class _Item(Struct, frozen=True):
    """A valid item of the block `name`; `other` is its value beside the address, such as a SID.

    `prefix` begins every address of its file, and is not written there; it is empty without a term.
    """

    name: str
    block: _Block
    other: str
    at: TextRange
    diagnostics: FileDiagnostics
    prefix: str

    @property
    def address(self) -> Address:
        return self.block.address

    @property
    def declared_at(self) -> Position:
        return self.block.declared_at

    def refuse(self, code: str, message: str, hint: str) -> None:
        """Report an error of this item."""
        self.diagnostics.add(code, self.at, message, hint, address=self.address)

    def suggested(self, address: Address, declared: Iterable[Address], otherwise: str) -> str:
        """Return a question that names the nearest of `declared` as the file of this item writes it."""
        known = (one.removeprefix(self.prefix) for one in declared if one.startswith(self.prefix))
        return suggestion(address.removeprefix(self.prefix), known, otherwise, likeness=_LIKENESS)

    def warn(self, message: str, hint: str) -> None:
        """Warn that this item matches no declared exam."""
        self.diagnostics.add(
            POINTS_NOWHERE, self.at, message, hint, address=self.address, severity=Severity.WARNING
        )


class Lifecycle(Struct):
    """The lifecycle blocks of all manifests: gathered file by file, then checked together.

    `check` sets `_routes`, the moves of single addresses, `_globs`, the moves of globs, `_declared` and
    `_anywhere`.
    """

    _items: dict[str, dict[str, _Item]] = field(default_factory=lambda: {block: {} for block in BLOCKS})
    _routes: dict[Address, list[Address]] = field(default_factory=dict)
    _globs: tuple[tuple[str, str], ...] = ()
    _declared: Mapping[Address, object] = field(default_factory=dict)
    _anywhere: Mapping[Address, object] = field(default_factory=dict)

    def gather(self, root: YamlMapping, diagnostics: FileDiagnostics) -> None:
        """Add the valid items of one file; its schema check reports the others."""
        for block in BLOCKS:
            for item in _items(block, root, diagnostics):
                self._add(item)

    def _add(self, item: _Item) -> None:
        """Add `item`, or report it if its block has the same address already.

        For `moved` the source counts, and for `distinct` the pair.
        """
        key = item.other if item.name == "moved" else str(item.address)
        if item.name == "distinct":
            key = " and ".join(sorted((item.address, item.other)))
        first = self._items[item.name].setdefault(key, item)
        if first is not item:
            item.refuse(
                "duplicate-address",
                f"`{item.name}` names {item.diagnostics.echo(key)} twice; first at {first.declared_at}",
                "Keep one of the two.",
            )

    def check(self, declared: Mapping[Address, object], anywhere: Mapping[Address, object]) -> None:
        """Report contradictions.

        `declared` has the addresses of the exams of this environment, `anywhere` also those of the others: a
        block that names one of these may have work to do there.
        """
        moves = self._items["moved"].values()
        self._declared, self._anywhere = declared, anywhere
        self._routes = {Address(item.other): [item.address] for item in moves if not is_glob(item.other)}
        self._globs = tuple((item.other, str(item.address)) for item in moves if is_glob(item.other))
        self._check_imports()
        self._check_moves()
        self._check_absences()
        self._check_accepted()
        self._check_distinctions()
        for item in self._items["removed"].values():
            if item.address in declared:
                item.refuse(
                    "still-declared",
                    f"'{item.address}' is to be removed and is still declared",
                    "Remove the exam from the manifest too, or this block.",
                )

    def _check_imports(self) -> None:
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
            if exam not in self._anywhere and item.address not in self._anywhere:
                item.warn(
                    f"'{item.address}' is to be imported, but no exam is declared there",
                    item.suggested(item.address, self._declared, _STALE),
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

    def _check_accepted(self) -> None:
        for item in self._items["accepted"].values():
            end = self._moved_on(item.address)
            if end not in self._anywhere and not self._is_removed(end):
                item.warn(
                    f"'{item.address}' is accepted as declared, but no exam is declared there",
                    item.suggested(item.address, self._declared, _STALE),
                )

    def _check_distinctions(self) -> None:
        for item in self._items["distinct"].values():
            if item.address == item.other and not is_glob(item.other):
                item.refuse(
                    "distinct-from-itself",
                    f"'{item.address}' is to be distinct from itself",
                    "Name two exams, or write globs for many.",
                )
                continue
            ends = (item.address, Address(item.other))
            known = [self._is_declared(self._moved_on(end)) for end in ends]
            # By name, one of the two may be an exam that state alone knows.
            is_enough = all(known) if any(map(is_glob, ends)) else any(known)
            if not is_enough and not self._is_removed(lost := ends[known.index(False)]):
                item.warn(
                    f"'{item.address}' is to be distinct from '{item.other}', but no exam is declared as "
                    f"'{lost}'",
                    item.suggested(lost, self._declared, _STALE),
                )

    def _moved_on(self, address: Address) -> Address:
        """Return the last address that `address` moves to; for a cycle, an address on it."""
        moves, seen = self._items["moved"], {address}
        while (item := moves.get(address)) is not None and item.address not in seen:
            address = item.address
            seen.add(address)
        if not self._globs or address in self._declared:
            return address
        steps = steps_to_declared(address, self._routes, self._globs, declared=self._declared)
        return next((end for end in sorted(steps) if end in self._declared), address)

    def _check_moves(self) -> None:
        moves = self._items["moved"]
        targets: dict[Address, _Item] = {}
        in_cycle = _report_cycles(moves)
        for source, item in moves.items():
            if is_glob(source) or is_glob(item.address):
                self._check_glob_move(item)
                continue
            first = targets.setdefault(item.address, item)
            if first is not item:
                item.refuse(
                    "duplicate-address",
                    f"two exams are moved to '{item.address}'; the first at {first.declared_at}",
                    "Keep one of the two.",
                )
            if source in self._declared and source not in in_cycle:
                item.refuse(
                    "still-declared",
                    f"'{source}' was moved to '{item.address}' and is still declared",
                    "Rename the exam in the manifest, or remove this block.",
                )
            if self._is_lost(item):
                item.warn(
                    f"'{source}' was moved to '{item.address}', but no exam is declared there",
                    item.suggested(item.address, self._declared, _STALE),
                )

    def _check_glob_move(self, item: _Item) -> None:
        if not is_glob_move(item.other, item.address):
            item.refuse(
                "bad-glob",
                f"{item.diagnostics.echo(item.other)} cannot move to {item.diagnostics.echo(item.address)}",
                "Write one `*` in each of the two, and no `?`: that in `to` stands for what the one in "
                "`from` matches.",
            )
        elif not self._is_declared(item.address) and not self._is_removed(item.address):
            item.warn(
                f"'{item.other}' was moved to '{item.address}', but no exam is declared there",
                _STALE,
            )

    def _is_lost(self, item: _Item) -> bool:
        """Return whether a move ends at an address that is neither declared nor removed."""
        end = self._moved_on(item.address)
        is_last = end == item.address != item.other
        return is_last and end not in self._anywhere and not self._is_removed(end)

    def _is_removed(self, end: Address) -> bool:
        """Return whether `removed` covers `end`: what other blocks say of it is then done."""
        removed = self._items["removed"]
        return end in removed or any(matches(end, glob) for glob in removed if is_glob(glob))

    def _is_declared(self, end: Address) -> bool:
        """Return whether `end` is declared for any environment, or a glob that matches such an address."""
        if is_glob(end):
            return any(matches(address, end) for address in self._anywhere)
        return end in self._anywhere

    def blocks(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        """Return the blocks of one kind, sorted by address."""
        items = [item for items in self._items.values() for item in items.values()]
        items.sort(key=lambda item: (item.address, item.other))
        return tuple(item.block for item in items if isinstance(item.block, kind))


def _items(name: str, root: YamlMapping, diagnostics: FileDiagnostics) -> Iterator[_Item]:
    """Yield the valid items of the block `name`."""
    key = "from" if name == "moved" else "exam"
    term = term_of(root)
    for item in root.sequence(name):
        if not isinstance(item, YamlMapping):
            continue
        fields = {field: text for field, text in item.items() if isinstance(text, str)}
        fields |= {
            field: address_in_term(term, fields[field], item.value_at(field), diagnostics)
            for field in _ADDRESSES
            if field in fields
        }
        if key in fields:
            at = item.value_at(key)
            found = _block(name, fields, diagnostics.source.position(at.start))
            if found is not None:
                yield _Item(name, *found, at, diagnostics, in_term(term, ""))


def _block(name: str, fields: dict[str, str], at: Position) -> tuple[_Block, str] | None:
    """Return the item `fields` of the block `name`, and its value beside the address; None if invalid."""
    address = Address(fields.get("to" if name == "moved" else "exam", ""))
    other = next((fields[key] for key in ("sid", "from", "attempt", "digest") if key in fields), "")
    block: _Block | None = None
    match name:
        case "imports" if is_exam_sid(other) and is_address(address):
            block = Import(address=address, sid=ExamSid(other), declared_at=at)
        case "moved" if is_address_or_glob(address) and is_address_or_glob(other):
            block = Move(source=Address(other), address=address, declared_at=at)
        case "removed" if is_address_or_glob(address):
            block = Removal(address=address, declared_at=at)
        case "absent" if is_attempt_id(other) and is_address(address):
            block = Absence(address=address, attempt=AttemptId(other), declared_at=at)
        case "accepted" if is_digest(other) and is_address(address):
            reason = tamed(fields.get("reason", ""), most=LONGEST_PROSE)
            digest = Digest(other)
            block = AcceptedChange(address=address, digest=digest, declared_at=at, reason=reason or None)
        case "distinct" if is_address_or_glob(address) and is_address_or_glob(other):
            reason = fields.get("reason", "").strip()
            block = Distinction(address=address, other=Address(other), declared_at=at, reason=reason)
    return None if block is None else (block, other)


def _report_cycles(moves: dict[str, _Item]) -> set[str]:
    """Report each cycle of moves once; return the addresses on cycles."""
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
                "Remove each move that was applied before, as when an exam gets its former address back. Two "
                "exams cannot swap addresses by `moved`: give one of them a new address, or swap them in "
                "state with `reconciler state mv FROM TO`, by way of a third address.",
            )
        settled.update(path)
    return in_cycle
