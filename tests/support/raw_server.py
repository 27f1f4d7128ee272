"""A TCP server without a protocol: the test itself reads and writes the bytes of each connection."""

import contextlib
import itertools
import re
import socket
import ssl
import threading
import time
from contextlib import contextmanager

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_TARGET = re.compile(rb"CONNECT ([\d.]+):(\d+) ")
_PATH = re.compile(rb"POST \S*/courses/(CU[a-f0-9]{32})/exams HTTP")
_TITLE = re.compile(rb'"title": ?"Exam ([^"]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def ok(body, *, headers=b""):
    """Return a 200 answer with this body and its length."""
    return b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (headers, len(body), body)


class Conversation:
    """One connection, seen from the server. `sid` is the SID for a good answer."""

    def __init__(self, connection, number, ended):
        self.socket = connection
        self.sid = f"EX{number:032x}"
        self.ended = ended
        self.received = b""
        self.sent = 0
        self._peeked = b""

    @property
    def exam(self):
        """Return the body of a good answer."""
        return b'{"sid": "%s"}' % self.sid.encode()

    @property
    def courses(self):
        """Return the course of each request on this connection, complete or not."""
        return [found.decode() for found in _PATH.findall(self.received or self._peeked)]

    @property
    def titles(self):
        """Return the title of each request on this connection, without its first word."""
        return [found.decode() for found in _TITLE.findall(self.received)]

    def peek_course(self):
        """Return the course of the waiting request without reading it, or None if none comes."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            waiting = self.socket.recv(65536, socket.MSG_PEEK)
            if found := _PATH.search(waiting):
                self._peeked = self.received + waiting
                return found[1].decode()
            if not waiting:
                return None
            time.sleep(0.002)
        return None

    def read(self):
        """Add the next bytes to `received`; return whether there were any."""
        data = self.socket.recv(65536)
        self.received += data
        return bool(data)

    def read_head(self, *, start=0):
        """Read until the blank line after the head that begins at `start`; return whether it came."""
        while b"\r\n\r\n" not in self.received[start:]:
            if not self.read():
                return False
        return True

    def read_request(self):
        """Read one more request; return whether it came completely."""
        start = len(self.received)
        if not self.read_head(start=start):
            return False
        end = self.received.index(b"\r\n\r\n", start) + 4
        length = int(_LENGTH.search(self.received, start)[1])
        while len(self.received) < end + length:
            if not self.read():
                return False
        return True

    def send(self, data):
        """Send all of `data`."""
        self.socket.sendall(data)
        self.sent += len(data)

    def flood(self, data, *, most=None):
        """Send `data` repeatedly until the client closes the connection or `most` bytes were sent."""
        with contextlib.suppress(OSError):
            while not self.ended.is_set() and (most is None or self.sent < most):
                self.send(data)

    def trickle(self, data, *, every_s=0.2):
        """Send `data` repeatedly, one byte at a time, until the client closes the connection."""
        with contextlib.suppress(OSError):
            for byte in itertools.cycle(data):
                if self.ended.wait(every_s):
                    return
                self.send(bytes([byte]))

    def reset(self):
        """Close the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def half_close(self):
        """Close the sending side, and read until the client closes too."""
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(65536):
            pass


class RawServer:
    """A server on loopback with a thread for each connection; `conversations` has all of them."""

    def __init__(self, converse, *, tls=None, buffer_bytes=None):
        self.conversations = []
        self.refused_handshakes = []
        self._converse = converse
        self._tls = tls
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        if buffer_bytes is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)

    @property
    def port(self):
        """Return the port on which it listens."""
        return self._listener.getsockname()[1]

    @property
    def url(self):
        """Return the base URL."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def sent_courses(self):
        """Return the course of each request on all connections."""
        return [course for one in self.conversations for course in one.courses]

    def sent_titles(self):
        """Return the title of each request on all connections."""
        return [title for one in self.conversations for title in one.titles]

    def serve(self):
        """Accept connections until `end` is called."""
        threads = []
        for number in itertools.count(1):
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = self._listener.accept()
                    break
            else:
                break
            threads.append(threading.Thread(target=self._handle, args=(connection, number)))
            threads[-1].start()
        self._listener.close()
        for thread in threads:
            thread.join()

    def end(self):
        """Accept no more connections, and end all that wait for their client."""
        self._ended.set()
        for one in self.conversations:
            with contextlib.suppress(OSError):  # it is closed
                socket.socket.shutdown(one.socket, socket.SHUT_RD)  # that of TLS would forget its keys

    def _handle(self, connection, number):
        connection.settimeout(5)
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except (ssl.SSLError, OSError) as error:
                    self.refused_handshakes.append(error)
                    return
            with connection:
                conversation = Conversation(connection, number, self._ended)
                self.conversations.append(conversation)
                self._converse(conversation)


@contextmanager
def raw_server(converse, **options):
    """Run a RawServer while the context lasts."""
    server = RawServer(converse, **options)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()


def answer_well(conversation):
    """Read a request and answer as if its exam was created."""
    if conversation.read_request():
        conversation.send(ok(conversation.exam))


def relay(conversation):
    """Be a proxy that opens a tunnel."""
    if not conversation.read_head():
        return
    host, port = _TARGET.match(conversation.received).groups()
    with socket.create_connection((host.decode(), int(port))) as far:
        conversation.send(ESTABLISHED)
        back = threading.Thread(target=_pass_on, args=(far, conversation.socket))
        back.start()
        _pass_on(conversation.socket, far)
        back.join()


def _pass_on(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
