"""The service that creates are sent to: a process of its own, on loopback, that ends with whoever started it.

python benchmarks/servers.py --latency 50
"""

import argparse
import asyncio
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def serve_until_stdin_ends(answer: "asyncio._ClientConnected") -> None:
    """Accept connections with `answer`, the port printed first, until standard input ends."""
    server = await asyncio.start_server(answer, HOST, 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with the script that started it, however that ends.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """The body of the next request."""
    found = _CONTENT_LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
    return b"" if found is None else await reader.readexactly(int(found[1]))


@contextmanager
def started(script: str | Path, *arguments: str) -> Iterator[tuple[int, list[str]]]:
    """A server's port, and what it says in the end, which is there once the context ends."""
    command = [sys.executable, str(script), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        said: list[str] = []
        try:
            yield int(process.stdout.readline()), said
        finally:
            process.stdin.close()
            said += process.stdout.read().splitlines()


@contextmanager
def latent(latency_ms: float) -> Iterator[int]:
    """The port of a server that answers every request with a fresh SID after `latency_ms`."""
    with started(__file__, "--latency", str(latency_ms)) as (port, _):
        yield port


async def _serve(latency_s: float) -> None:
    numbers = itertools.count(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await read_body(reader)
                await asyncio.sleep(latency_s)
                writer.write(_created(next(numbers)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    await serve_until_stdin_ends(answer)


def _created(number: int) -> bytes:
    body = f'{{"sid": "EX{number:032x}"}}'.encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def main() -> int:
    """Serve."""
    parser = argparse.ArgumentParser(description="Answer creates after a while.")
    parser.add_argument("--latency", type=float, default=50.0, metavar="MS", help="of an answer (50)")
    asyncio.run(_serve(parser.parse_args().latency / 1000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
