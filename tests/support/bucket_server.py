"""A small object store that follows the documentation of S3 and of Google's XML API.

As a script it listens on loopback, prints its port, and ends when its standard input is closed. It exists
because no emulator of Google's store knows the preconditions of its XML API, which the driver uses, and
because benchmarks need a server that costs almost nothing. It ignores credentials.
"""

import contextlib
import hashlib
import itertools
import re
import sys
import threading
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

PAGE = 1000


@dataclass(frozen=True)
class StoredValue:
    """An object: its bytes, and a generation that is unique in the store."""

    data: bytes
    generation: int
    changed_at: str

    @property
    def e_tag(self):
        """Return the ETag as S3 makes it: from the content alone."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


class Store:
    """All buckets; `alone` lets one request at a time change them."""

    def __init__(self):
        self.buckets = {}
        self.alone = threading.Lock()
        self._generations = itertools.count(1_700_000_000_000_001)

    def put(self, bucket, key, data, headers):
        """Put an object under the conditions in `headers`; return the status and the object as it is then."""
        present = self.buckets[bucket].get(key)
        if (status := refusal(present, headers)) is not None:
            return status, present
        self.buckets[bucket][key] = StoredValue(data, next(self._generations), formatdate(usegmt=True))
        return 200, self.buckets[bucket][key]


def refusal(present, headers):
    """Return the status that refuses to replace `present`, or None if the conditions hold."""
    generation = headers.get("x-goog-if-generation-match")
    if generation is not None and int(generation) != (present.generation if present else 0):
        return 412
    if headers.get("if-none-match") == "*" and present is not None:
        return 412
    wanted = headers.get("if-match")
    if wanted is not None and present is None:
        return 404
    if wanted is not None and wanted != present.e_tag:
        return 412
    return None


class Handler(BaseHTTPRequestHandler):
    """A connection and its requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self):
        """Answer a request, whatever its method."""
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def _read(self):
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).removeprefix("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        return bucket, key, query, body

    def do_PUT(self):
        """Make a bucket or an object."""
        bucket, key, _, body = self._read()
        store = self.server.store
        with store.alone:
            if not key:
                store.buckets.setdefault(bucket, {})
                return self._answer(200)
            if bucket not in store.buckets:
                return self._fail(404, "NoSuchBucket")
            status, stored = store.put(bucket, key, body, self.headers)
        if status == 200:
            return self._answer(200, stored=stored)
        return self._fail(status, "NoSuchKey" if status == 404 else "PreconditionFailed")

    def do_GET(self):
        """Send an object, or a page of a listing."""
        bucket, key, query, _ = self._read()
        with self.server.store.alone:
            objects = self.server.store.buckets.get(bucket)
            objects = None if objects is None else dict(objects)
        if objects is None:
            return self._fail(404, "NoSuchBucket")
        if not key:
            return self._answer(200, page(objects, query).encode())
        if key not in objects:
            return self._fail(404, "NoSuchKey")
        return self._answer(200, objects[key].data, stored=objects[key])

    def do_DELETE(self):
        """Remove an object."""
        bucket, key, _, _ = self._read()
        with self.server.store.alone:
            removed = self.server.store.buckets.get(bucket, {}).pop(key, None)
        return self._fail(404, "NoSuchKey") if removed is None else self._answer(204)

    def do_POST(self):
        """Remove several objects, as S3 does."""
        bucket, _, _, body = self._read()
        with self.server.store.alone:
            for key in re.findall(r"<Key>(.*?)</Key>", body.decode()):
                self.server.store.buckets.get(bucket, {}).pop(unescape(key), None)
        return self._answer(200, b"<DeleteResult></DeleteResult>")

    def _answer(self, status, data=b"", *, stored=None):
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        if stored is not None:
            self.send_header("etag", stored.e_tag)
            self.send_header("x-goog-generation", str(stored.generation))
            self.send_header("last-modified", stored.changed_at)
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, status, code):
        self._answer(status, f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode())

    def log_message(self, *_):
        """Log nothing."""


def page(objects, query):
    """Return a page of a listing, as XML."""
    after = query.get("continuation-token", "")
    found = sorted(key for key in objects if key.startswith(query.get("prefix", "")) and key > after)
    shown, more = found[:PAGE], len(found) > PAGE
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[key].data)}</Size>"
        f"<ETag>{escape(objects[key].e_tag)}</ETag><LastModified>2031-09-01T00:00:00.000Z</LastModified></Contents>"
        for key in shown
    )
    token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
    return (
        f"<ListBucketResult><IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{entries}"
        "</ListBucketResult>"
    )


def _serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.store = Store()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
