"""Parsed texts in a form that `marshal` takes, for the way from one process to another, and back.

A parcel holds what a text gave that nothing is wrong with. Of any other text there is none: it is parsed
again where its findings are wanted.
"""

from array import array
from typing import Any, TypeAlias, TypeGuard

from msgspec import Struct

from reconciler.manifest.comments import Comment
from reconciler.manifest.declaring import Ready
from reconciler.manifest.effective import secrets_of
from reconciler.manifest.source_text import SourceText
from reconciler.manifest.yaml_documents import Document, parse, read_source
from reconciler.manifest.yaml_nodes import Mapping, Sequence, Stretch, Unmarked, Value
from reconciler.manifest.yaml_unmarked import UnmarkedWalker
from reconciler.manifest.yaml_walker import Walker

Parcel: TypeAlias = tuple[Any, ...]
_Packed: TypeAlias = tuple[Any, Any, list[tuple[Any, Any]], bytes]


class Parsed(Struct, frozen=True):
    """A document without findings, and what its source knows once it is parsed.

    Of one that was read but for its head, `head` says how many bytes that has.
    """

    document: Document
    secrets: tuple[Stretch, ...]
    secret_values: frozenset[str]
    has_anchors: bool
    head: int = 0

    def tell(self, source: SourceText) -> Document:
        """Let `source`, whose text this was parsed from, know what parsing it tells; the document."""
        source.is_parsed = True
        source.secrets.extend(self.secrets)
        source.secret_values.update(self.secret_values)
        return self.document


class Piece(Struct, frozen=True):
    """A text to parse: a whole one as bytes, or what is from `start` to `end` of one, below the line `above`.

    It is cut out only when it is wanted. `head` is the part of that text which says what its exams stand on.
    `moved_by` tells of a text that was cut out already how much further on its marks are.
    """

    whole: bytes | str
    start: int = 0
    end: int = 0
    above: str = ""
    head: bytes = b""
    moved_by: int = 0

    @property
    def data(self) -> bytes:
        """The text to parse."""
        if isinstance(self.whole, bytes):
            return self.whole
        return f"{self.above}{self.whole[self.start : self.end]}".encode()

    @property
    def by(self) -> int:
        """How much further on its marks are in the whole text."""
        return self.start - len(self.above) + self.moved_by

    @property
    def size(self) -> int:
        """About how many bytes there are to parse."""
        return len(self.whole) if isinstance(self.whole, bytes) else self.end - self.start


def parse_quietly(data: bytes, by: int = 0) -> Parsed | None:
    """What `data` holds, every mark told `by` further on; None where anything is wrong with it."""
    return _parsed(data, by, Walker)


def parse_unmarked(data: bytes, by: int = 0) -> Parsed | None:
    """The same, without the marks within exams where these can be done without."""
    return _parsed(data, by, UnmarkedWalker) or _parsed(data, by, Walker)


def parse_if_unmarked(data: bytes) -> Parsed | None:
    """The same; None also where marks cannot be done without."""
    return _parsed(data, 0, UnmarkedWalker)


def _parsed(data: bytes, by: int, reads: type[Walker]) -> Parsed | None:
    source, findings, is_text = read_source("", data)
    findings.is_unmarked = True
    try:
        document = parse(source, findings, reads=reads) if is_text else None
    except Unmarked:
        return None
    if document is None or not findings.is_empty:
        return None
    if by and not document.has_anchors:
        _move(document.root, by)
    return Parsed(
        document,
        tuple(Stretch(at.start + by, at.end + by) for at in source.secrets),
        frozenset(source.secret_values),
        has_anchors=document.has_anchors,
    )


def _move(node: Mapping | Sequence, by: int) -> None:
    """Tell every mark in `node`, no part of which is in two places, `by` further on."""
    if not node.marks:
        return
    node.marks = array("I", [mark + by for mark in node.marks])
    for value in node.values() if isinstance(node, Mapping) else node:
        if _is_node(value):
            _move(value, by)


def pack(parsed: Parsed) -> Parcel:
    """`parsed` as tuples, lists, dicts and plain values only."""
    document = parsed.document
    return (
        _packed(document.root, {}),
        tuple(document.at),
        [_packed_comment(comment) for comment in document.comments],
        [tuple(at) for at in parsed.secrets],
        list(parsed.secret_values),
        parsed.has_anchors,
        document.written,
        [(address, _packed_ready(ready)) for address, ready in document.ready.items()],
        parsed.head,
    )


def unpack(parcel: Parcel) -> Parsed:
    """What was packed."""
    packed, at, comments, secrets, values, has_anchors, written, declared, head = parcel
    root: Any = _unpacked(packed, {})
    found = tuple(_unpacked_comment(comment) for comment in comments)
    ready = {address: _unpacked_ready(parts) for address, parts in declared}
    return Parsed(
        Document(root, Stretch(*at), found, has_anchors=has_anchors, written=written, ready=ready),
        tuple(Stretch(*secret) for secret in secrets),
        frozenset(values),
        has_anchors=has_anchors,
        head=head,
    )


def _packed(node: Mapping | Sequence, done: dict[int, _Packed]) -> _Packed:
    """`node` without the nodes in it, these by their keys, and its marks; what is one node stays one."""
    if id(node) in done:
        return done[id(node)]
    plain: Any
    inner: list[tuple[Any, Any]]
    if isinstance(node, Mapping):
        plain = dict(node)
        inner = [(key, _packed(value, done)) for key, value in node.items() if _is_node(value)]
    else:
        plain = list(node)
        inner = [(at, _packed(value, done)) for at, value in enumerate(node) if _is_node(value)]
    for key, _ in inner:
        plain[key] = None
    done[id(node)] = packed = (node.__class__ is Mapping, plain, inner, node.marks.tobytes())
    return packed


def _unpacked(packed: _Packed, done: dict[int, Value]) -> Value:
    if id(packed) in done:
        return done[id(packed)]
    is_mapping, plain, inner, marks = packed
    node: Any
    if is_mapping:
        node = Mapping()
        node.update(plain)
    else:
        node = Sequence()
        node.extend(plain)
    for key, value in inner:
        node[key] = _unpacked(value, done)
    node.marks = array("I", marks)
    done[id(packed)] = node
    return node  # type: ignore[no-any-return]


def _is_node(value: Value) -> TypeGuard[Mapping | Sequence]:
    kind = value.__class__
    return kind is Mapping or kind is Sequence


def _packed_comment(comment: Comment) -> Parcel:
    codes = [(code, tuple(at)) for code, at in comment.codes]
    return tuple(comment.at), codes, comment.has_reason, comment.is_alone


def _unpacked_comment(packed: Parcel) -> Comment:
    at, codes, has_reason, is_alone = packed
    placed = tuple((code, Stretch(*where)) for code, where in codes)
    return Comment(Stretch(*at), placed, has_reason=has_reason, is_alone=is_alone)


def _packed_ready(ready: Ready) -> Parcel:
    return (
        ready.course_sid,
        ready.course,
        ready.timezone,
        ready.payload,
        ready.digest,
        bool(ready.secrets),
        ready.profiles,
    )


def _unpacked_ready(packed: Parcel) -> Ready:
    course_sid, course, timezone, payload, digest, has_secrets, profiles = packed
    secrets = secrets_of(payload) if has_secrets else ()
    return Ready(course_sid, course, timezone, payload, digest, secrets, profiles)
