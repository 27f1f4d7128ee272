"""Where something is written. Lines and columns count from 1; columns count characters."""

from msgspec import Struct


class Position(Struct, frozen=True, order=True):
    """A point in a file; `file` is shown as the user would type it, relative to the workspace."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Span(Struct, frozen=True, order=True):
    """A stretch of a file; the end is exclusive and may stand on a later line."""

    start: Position
    end_line: int
    end_column: int
