"""Base files: the files that manifests extend, each read once.

The offsets of each base file are shifted to a range of numbers of its own, above the offsets of any manifest.
So values of several files can be merged, and the offset of a value still tells which file it is from.
"""

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct, field

from reconciler.manifest import paths
from reconciler.manifest.diagnostics import FIRST_BASE_OFFSET, FileDiagnostics
from reconciler.manifest.header import report_header, report_partial_exams
from reconciler.manifest.lifecycle import BLOCKS
from reconciler.manifest.schema.as_meant import manifest_as_meant
from reconciler.manifest.yaml.document import YamlDocument
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping, YamlSequence, shifted
from reconciler.model.outside_text import spelt_out
from reconciler.model.words import listed, suggestion

MAX_CHAIN: Final = 32

_EXTENDS: Final = "extends"
_OF_MANIFESTS_ONLY: Final = ("term", "exams", *BLOCKS)
_PROFILES: Final = re.compile(rb"(?m)^profiles\s*:")
_SMALL: Final = 1024 * 1024
_MOST_ENTRIES: Final = 20_000
_MAX_OFFSET: Final = 2**32 - 1

_Read: TypeAlias = Callable[[str, bytes], tuple[FileDiagnostics, YamlDocument | None]]
"""Reads a file, given its name and bytes, into diagnostics and a document."""


class Bases(Struct, frozen=True):
    """The base files of one manifest: each once, lowest precedence first.

    `are_whole` is false if one of them is unusable, which a diagnostic says.
    """

    roots: tuple[YamlMapping, ...]
    are_whole: bool


class _ExtendsEntry(Struct, frozen=True):
    """One item of `extends`: its place, and the file that it names, relative to `folder`."""

    at: TextRange
    file: Path
    folder: Path


class _Base(Struct):
    """One base file. Its offsets are shifted by `origin`; `root` is None if the file is unusable."""

    diagnostics: FileDiagnostics
    origin: int
    root: YamlMapping | None
    entries: list[_ExtendsEntry] = field(default_factory=list)
    has_all_entries: bool = True


class _Walk(Struct):
    """A depth-first walk from one manifest through its base files.

    `path` holds the files from the manifest to the current one, as shown to users, and `order` the base files
    already visited, lowest precedence first. Both have real paths as keys.
    """

    path: dict[str, str]
    order: dict[str, _Base] = field(default_factory=dict)
    is_whole: bool = True


class BaseFileReader:
    """Reads the base files of the workspace at `root`, each once, with `read`."""

    def __init__(self, root: Path, read: _Read) -> None:
        self._root = root
        self._read_file = read
        self._bases: dict[str, _Base] = {}
        self._by_origin: list[_Base] = []
        self._next_origin = FIRST_BASE_OFFSET
        self._reported_cycles: set[frozenset[str]] = set()

    def bases_of(self, path: str, root: YamlMapping, diagnostics: FileDiagnostics) -> Bases:
        """Return the base files of the manifest at `path`, whose top mapping is `root`."""
        file = Path(path)
        if _EXTENDS not in root:
            return Bases((), are_whole=not self._has_lost_extends(file, root, diagnostics))
        entries, has_all = self._entries(file, root, diagnostics)
        walk = _Walk({os.path.realpath(file): paths.shown(file, self._root)}, is_whole=has_all)
        self._follow(entries, diagnostics, walk)
        roots = tuple(base.root for base in walk.order.values() if base.root is not None)
        return Bases(roots, walk.is_whole)

    def _has_lost_extends(self, file: Path, root: YamlMapping, diagnostics: FileDiagnostics) -> bool:
        """Report a profile that only a base file near `file` has; return whether there is one.

        `root` extends no file. Base files are looked for beside `file` and in the folders above it.
        """
        lost = next(_unknown_profiles(root), None)
        if lost is None:
            return False
        at, name = lost
        wanted = re.compile(rf"(?m)^\s+[\"']?{re.escape(name)}[\"']?\s*:".encode())
        for base in _bases_near(file, self._root):
            try:
                text = paths.read_bounded(base)
            except OSError:
                continue
            if _PROFILES.search(text) and wanted.search(text):
                shown = spelt_out(os.path.relpath(base, file.parent))
                message = f"no profile is called {diagnostics.echo(name)}, and this file extends no other"
                hint = f"{shown} has it: write `extends: [{shown}]` at the top of this file."
                diagnostics.add("unknown-profile", at, message, hint)
                return True
        return False

    def owner_of(self, at: TextRange) -> tuple[FileDiagnostics, TextRange]:
        """Return the diagnostics of the base file that holds `at`, and `at` relative to that file."""
        index = bisect_right(self._by_origin, at.start, key=lambda base: base.origin) - 1
        base = self._by_origin[index]
        return base.diagnostics, TextRange(at.start - base.origin, at.end - base.origin)

    def hides(self, value: str) -> bool:
        """Return whether `value` is, or contains, a secret of a base file."""
        return any(base.diagnostics.source.hides(value) for base in self._by_origin)

    def without_secrets(self, text: str) -> str:
        """Return `text` with the secrets of the base files masked, except very short ones."""
        for base in self._by_origin:
            text = base.diagnostics.source.without_secrets(text)
        return text

    def check(self) -> None:
        """Report mistakes in base files that affect no exam; call it after all manifests are read."""
        for base in self._by_origin:
            if base.root is not None:
                report_partial_exams(base.root, base.diagnostics)

    @property
    def diagnostics(self) -> list[FileDiagnostics]:
        """The diagnostics of each base file."""
        return [base.diagnostics for base in self._by_origin]

    def _follow(self, entries: list[_ExtendsEntry], diagnostics: FileDiagnostics, walk: _Walk) -> None:
        """Add the files of `entries` to `walk`, each after the files that it extends itself."""
        for entry in entries:
            key = os.path.realpath(entry.file)
            if key in walk.path:
                self._report_cycle(key, entry, diagnostics, walk)
            elif key not in walk.order:
                self._visit(key, entry, diagnostics, walk)

    def _visit(self, key: str, entry: _ExtendsEntry, diagnostics: FileDiagnostics, walk: _Walk) -> None:
        if len(walk.path) > MAX_CHAIN:
            walk.is_whole = False
            diagnostics.add(
                "too-deep",
                entry.at,
                f"this is the end of a chain of more than {MAX_CHAIN} files that extend each other",
                "Let the file name what it needs itself; `extends` takes several files.",
            )
            return
        base = self._base(key, entry, diagnostics)
        if base is None or base.root is None:
            walk.is_whole = False
            return
        walk.is_whole &= base.has_all_entries
        walk.path[key] = paths.shown(entry.file, self._root)
        self._follow(base.entries, base.diagnostics, walk)
        del walk.path[key]
        walk.order[key] = base

    def _base(self, key: str, entry: _ExtendsEntry, diagnostics: FileDiagnostics) -> _Base | None:
        """Return the base file with the real path `key`, read on first use; None if it is unreadable."""
        if key not in self._bases:
            try:
                data = paths.read_bounded(entry.file)
            except OSError as error:
                _report_unreadable(entry, error, diagnostics, self._root)
                return None
            if self._next_origin + len(data) >= _MAX_OFFSET:
                diagnostics.add(
                    "too-large", entry.at, "the base files are too large together", "Extend fewer."
                )
                return None
            self._bases[key] = self._read(entry.file, data)
        return self._bases[key]

    def _read(self, file: Path, data: bytes) -> _Base:
        diagnostics, document = self._read_file(paths.shown(file, self._root), data)
        diagnostics.base_files = self
        base = _Base(diagnostics, self._next_origin, None)
        self._by_origin.append(base)
        self._next_origin += len(diagnostics.source.text) + 1
        if document is not None:
            meant = manifest_as_meant(document.root, diagnostics)
            report_header(meant, diagnostics)
            _report_misplaced_blocks(meant, diagnostics)
            base.entries, base.has_all_entries = self._entries(file, meant, diagnostics)
            root = shifted(meant, base.origin)
            base.root = root if isinstance(root, YamlMapping) else None
        return base

    def _entries(
        self, file: Path, root: YamlMapping, diagnostics: FileDiagnostics
    ) -> tuple[list[_ExtendsEntry], bool]:
        """Return the usable items of `extends` in `file`, and whether all are usable."""
        written = root.get(_EXTENDS, YamlSequence())
        if not isinstance(written, YamlSequence):
            return [], False
        found = [
            _ExtendsEntry(written.item_at(index), file.parent / name, file.parent)
            for index, name in enumerate(written)
            if isinstance(name, str) and self._may_extend(file, name, written.item_at(index), diagnostics)
        ]
        return found, len(found) == len(written)

    def _may_extend(self, file: Path, name: str, at: TextRange, diagnostics: FileDiagnostics) -> bool:
        """Return whether `file` may extend `name`; report it if not."""
        # A manifest outside the workspace may extend only files below its own directory.
        top = self._root if paths.is_inside(file.parent, self._root) else file.parent
        is_relative = name.isprintable() and bool(name) and not Path(name).is_absolute()
        if is_relative and paths.is_inside(file.parent / name, top):
            return True
        diagnostics.add(
            "outside-workspace",
            at,
            f"{diagnostics.echo(name)} does not lead to a file of this workspace",
            "Name a file relative to this one, below the workspace's directory, and no link out of it.",
        )
        return False

    def _report_cycle(
        self, key: str, entry: _ExtendsEntry, diagnostics: FileDiagnostics, walk: _Walk
    ) -> None:
        walk.is_whole = False
        keys = list(walk.path)
        cycle = keys[keys.index(key) :]
        if frozenset(cycle) in self._reported_cycles:
            return
        self._reported_cycles.add(frozenset(cycle))
        drawn = " → ".join(walk.path[step] for step in (*cycle, key))
        diagnostics.add(
            "extends-cycle",
            entry.at,
            f"these files extend each other in a circle: {drawn}",
            "Remove this entry, or move what both need into a file that extends neither.",
        )


def _unknown_profiles(root: YamlMapping) -> Iterator[tuple[TextRange, str]]:
    """Yield the place and the name of each profile that is used in `root` and not defined there."""
    known = root.mapping("profiles")
    exams = root.mapping("exams")
    sections = (section for exam in exams for section in exams.mapping(exam).mapping("sections").values())
    for holder in (root.get("defaults"), *exams.values(), *sections):
        if isinstance(holder, YamlMapping) and "profiles" in holder:
            names = holder.sequence("profiles")
            for index, name in enumerate(names):
                if isinstance(name, str) and name not in known:
                    yield names.item_at(index), name


def _bases_near(file: Path, root: Path) -> Iterator[Path]:
    """Yield small files that are bases by name, beside `file` and in the folders above it in `root`."""
    top = Path(os.path.abspath(root))  # noqa: PTH100 - a link keeps its name
    for folder in Path(os.path.abspath(file)).parents:  # noqa: PTH100 - as above
        if folder != top and top not in folder.parents:
            return
        try:
            with os.scandir(folder) as listing:
                entries = sorted(islice(listing, _MOST_ENTRIES), key=lambda entry: entry.name)
                near = [each for each in entries if each.name.startswith(paths.BASE_MARK) and _is_small(each)]
        except OSError:
            continue
        yield from (Path(each.path) for each in near if each.name.endswith(paths.SUFFIXES))


def _is_small(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and entry.stat().st_size <= _SMALL


def _report_misplaced_blocks(root: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Report blocks that a base file must not have."""
    for key in _OF_MANIFESTS_ONLY:
        if key in root:
            diagnostics.add(
                "not-a-base",
                root.key_at(key),
                f"`{key}` is not allowed in a file that others extend",
                "Move it to a file of its own, and let that one extend this one.",
            )


def _report_unreadable(
    entry: _ExtendsEntry, error: OSError, diagnostics: FileDiagnostics, root: Path
) -> None:
    try:
        names = sorted(os.listdir(entry.file.parent))  # noqa: PTH208 - names are all that is wanted
    except OSError:
        names = []
    nearby = [name for name in names if name.endswith(paths.SUFFIXES)]
    otherwise = "Paths are relative to this file."
    if nearby:
        otherwise += f" Beside it are: {listed(nearby[:5])}."
    diagnostics.add(
        "unreadable-file",
        entry.at,
        f"{diagnostics.echo(paths.shown(entry.file, root))} cannot be read: "
        f"{error.strerror or type(error).__name__}",
        _meant(entry, root) or suggestion(entry.file.name, nearby, otherwise),
    )


def _meant(entry: _ExtendsEntry, root: Path) -> str:
    """Return a question that names the file which a path with wrong slashes or folders means, if any."""
    slashed = Path(str(entry.file).replace("\\", "/"))
    for file in (slashed, entry.folder / slashed.name):
        if file != entry.file and paths.is_inside(file, root) and file.is_file():
            meant = spelt_out(os.path.relpath(file, entry.folder))
            return f"did you mean '{meant}'? Paths are relative to this file, with `/` between folders."
    return ""
