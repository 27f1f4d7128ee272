"""A store that a package adds: a state in a file of SQLite, opened as `sqlite:PATH`."""

import sqlite3
from contextlib import contextmanager

from reconciler.fault_points import Step, reach
from reconciler.model.errors import OutcomeUnknown, StateConflict, StateUnavailable
from reconciler.ports import Head, Stored

TABLE = "CREATE TABLE IF NOT EXISTS held (snapshot BLOB, log BLOB, head INTEGER)"
HINT = "Look at the file."


def open_sqlite(url, *, root):
    """Return the store of the file at `url`."""
    return SqliteStore(url, root / url.removeprefix("sqlite:"))


class SqliteStore:
    """A table of one row; its head is a number that counts changes."""

    def __init__(self, url, path):
        self.location = url
        self.path = path

    def load(self):
        """Return the row."""
        with self.connect() as connection:
            return self.row(connection)

    def append(self, records, *, at, note=""):
        """Replace the row by a longer one."""
        del note
        return self.change(lambda found: (found.snapshot, found.log + records), at)

    def replace(self, snapshot, log, *, at, note=""):
        """Replace the row."""
        del note
        return self.change(lambda _: (snapshot, log), at)

    def has_ended(self, lock_id):
        """Nobody knows."""
        del lock_id
        return False

    def change(self, changed, at):
        """Put what `changed` makes of the present content in its place, if that is `at`."""
        with self.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            found = self.row(connection)
            if at != (None if found is None else found.head):
                raise StateConflict("it was changed", hint=HINT)
            head = int(at or 0) + 1
            connection.execute("DELETE FROM held")
            connection.execute("INSERT INTO held VALUES (?, ?, ?)", (*changed(found), head))
            connection.execute("COMMIT")
            try:
                reach(Step.STORE_CALLED)
            except OSError as error:
                raise OutcomeUnknown("no answer", hint=HINT) from error
        return Head(str(head))

    @contextmanager
    def connect(self):
        """A connection."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        try:
            reach(Step.STORE_CALL)
            connection.execute(TABLE)
            yield connection
        except (OSError, sqlite3.Error) as error:
            raise StateUnavailable(f"failed: {error}", hint=HINT, retry_after_s=0) from error
        finally:
            connection.close()

    def row(self, connection):
        """What the table holds."""
        row = connection.execute("SELECT snapshot, log, head FROM held").fetchone()
        return None if row is None else Stored(snapshot=row[0], log=row[1], head=Head(str(row[2])))
