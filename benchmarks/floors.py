"""Floors: what no way of doing the same work can undercut, each a process of its own.

python benchmarks/floors.py drain DIRECTORY
python benchmarks/floors.py send HOST PORT CREATES PARALLELISM BYTES
"""

import sys
import time
from pathlib import Path


def drain(root: Path) -> None:
    """Have libyaml say every event of every manifest below `root`, and drop it."""
    from yaml.cyaml import CParser  # noqa: PLC0415 - each floor loads only what it needs

    for path in sorted(root.rglob("*.yaml")):
        parser = CParser(path.read_bytes())
        while parser.check_event():
            parser.get_event()


async def send(host: str, port: int, creates: int, parallelism: int, body: bytes) -> float:
    """Seconds that `creates` requests take over bare sockets, `parallelism` at a time."""
    import asyncio  # noqa: PLC0415 - as above

    head = f"POST /exams HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    left = iter(range(creates))

    async def work() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in left:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length))
        writer.close()

    start_s = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(parallelism)))
    return time.perf_counter() - start_s


def main() -> int:
    """Run the floor that the arguments name."""
    match sys.argv[1:]:
        case ["drain", root]:
            drain(Path(root))
        case ["send", host, port, creates, parallelism, size_bytes]:
            import asyncio  # noqa: PLC0415 - as above

            body = b"x" * int(size_bytes)
            print(asyncio.run(send(host, int(port), int(creates), int(parallelism), body)))
        case _:
            print(__doc__, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
