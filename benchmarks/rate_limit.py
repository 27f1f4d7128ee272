"""How long `reconciler apply` takes against a service that limits the rate of creates.

The bound: against a limit of 20 creates a second, whatever kind of limit and whatever form of Retry-After, an
apply takes at most 1.3 times the ideal plus start-up, and no exam is created twice. Run it with the product
installed:

    python benchmarks/rate_limit.py
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Protocol

import exams
import servers
from processes import COMMAND, VARIABLE, measure
from tables import machine_words

BOUND: Final = 1.3
_SERVE: Final = "--serve"


class Limiter(Protocol):
    """Says how long a create that arrives at `now_s` would have to wait: 0 lets it in, and counts it."""

    def wait_s(self, now_s: float) -> float:
        """Seconds until there may be room; 0 where there is."""
        ...


class Bucket:
    """A token bucket that holds `burst` tokens and fills with `rate` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at_s = burst, 0.0

    def wait_s(self, now_s: float) -> float:
        """As in Limiter."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


class FixedWindow:
    """At most `rate` in each second of the clock."""

    def __init__(self, rate: int) -> None:
        self._rate, self._second, self._count = rate, 0, 0

    def wait_s(self, now_s: float) -> float:
        """As in Limiter."""
        if (second := math.floor(now_s)) != self._second:
            self._second, self._count = second, 0
        if self._count >= self._rate:
            return second + 1 - now_s
        self._count += 1
        return 0.0


class SlidingWindow:
    """At most `rate` in any second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._taken: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """As in Limiter."""
        while self._taken and self._taken[0] <= now_s - 1:
            self._taken.popleft()
        if len(self._taken) >= self._rate:
            return self._taken[0] + 1 - now_s
        self._taken.append(now_s)
        return 0.0


LIMITERS: Final[Mapping[str, Callable[[int], Limiter]]] = {
    "bucket": lambda rate: Bucket(rate, rate),
    "fixed-window": FixedWindow,
    "sliding-window": SlidingWindow,
}
RETRY_AFTER: Final[Mapping[str, Callable[[float], str | None]]] = {
    "one": lambda _: "1",
    "exact": lambda wait_s: str(math.ceil(wait_s)),
    "zero": lambda _: "0",
    "date": lambda wait_s: format_datetime(
        datetime.now(UTC) + timedelta(seconds=math.ceil(wait_s)), usegmt=True
    ),
    "absent": lambda _: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One apply: its wall time, that of one with nothing to send, and what the server saw."""

    taken_s: float
    none_s: float
    refused: int
    duplicates: int


def main() -> int:
    """Measure and print; 1 where a bound is not kept."""
    parsed = _parse()
    if parsed.serve:
        limiter, form = parsed.serve
        asyncio.run(_serve(LIMITERS[limiter](parsed.rate), RETRY_AFTER[form], parsed.latency / 1000))
        return 0
    ideal_s = parsed.creates / parsed.rate
    print(
        f"{parsed.creates} creates at most {parsed.rate} a second: ideal {ideal_s:g} s; {parsed.latency:g} "
        f"ms each; {parsed.runs} runs; {machine_words()}\n"
    )
    print("| limit | Retry-After | time / ideal | without start-up | worst | refused | created twice |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    is_kept = True
    for limiter in parsed.limiter or LIMITERS:
        for form in parsed.form or RETRY_AFTER:
            runs = [_measure(parsed, limiter, form) for _ in range(parsed.runs)]
            ratios = [(run.taken_s - run.none_s) / ideal_s for run in runs]
            is_kept &= statistics.median(ratios) <= BOUND and not any(run.duplicates for run in runs)
            print(
                f"| {limiter} | {form} | {statistics.median(run.taken_s for run in runs) / ideal_s:.2f} "
                f"| {statistics.median(ratios):.2f} | {max(ratios):.2f} "
                f"| {statistics.median(run.refused for run in runs):g} "
                f"| {sum(run.duplicates for run in runs)} |",
                flush=True,
            )
    return 0 if is_kept else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure `reconciler apply` against limits of a rate.")
    parser.add_argument("--creates", type=int, default=200, metavar="N", help="exams to create (200)")
    parser.add_argument("--rate", type=int, default=20, metavar="N", help="creates a second (20)")
    parser.add_argument("--parallelism", type=int, default=10, metavar="N", help="requests in flight (10)")
    parser.add_argument("--latency", type=float, default=50.0, metavar="MS", help="of an answer (50)")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="how often each (1)")
    parser.add_argument("--limiter", choices=LIMITERS, action="append", help="only this kind of limit")
    parser.add_argument("--form", choices=RETRY_AFTER, action="append", help="only this Retry-After")
    parser.add_argument(_SERVE, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


async def _serve(limiter: Limiter, form: Callable[[float], str | None], latency_s: float) -> None:
    """Answer creates until standard input ends, then print how many were refused and which came twice."""
    taken: Counter[str] = Counter()
    refused = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        try:
            while True:
                title = await _read_title(reader)
                await asyncio.sleep(latency_s / 2)
                wait_s = limiter.wait_s(time.time())
                if wait_s:
                    refused += 1
                else:
                    taken[title] += 1
                number = sum(taken.values())
                await asyncio.sleep(latency_s / 2)
                writer.write(_refusal(form(wait_s)) if wait_s else _created(number))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    await servers.serve_until_stdin_ends(answer)
    duplicates = sum(count - 1 for count in taken.values())
    print(json.dumps({"refused": refused, "duplicates": duplicates}), flush=True)


async def _read_title(reader: asyncio.StreamReader) -> str:
    return str(json.loads(await servers.read_body(reader))["title"])


def _created(number: int) -> bytes:
    return _answer("200 OK", {}, json.dumps({"sid": f"EX{number:032x}"}))


def _refusal(retry_after: str | None) -> bytes:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return _answer("429 Too Many Requests", headers, '{"message": "too many requests"}')


def _answer(status: str, headers: Mapping[str, str], body: str) -> bytes:
    all_headers = headers | {
        "date": format_datetime(datetime.now(UTC), usegmt=True),
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in all_headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _measure(parsed: argparse.Namespace, limiter: str, form: str) -> Run:
    """One run in a fresh directory."""
    behaviour = (_SERVE, limiter, form, "--latency", str(parsed.latency), "--rate", str(parsed.rate))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        exams.write(root, parsed.creates, per_file=parsed.creates, secret=VARIABLE)
        with servers.started(__file__, *behaviour) as (port, said):
            apply = (
                COMMAND, "apply", "--auto-approve", "--quiet", "--api-url", f"http://{servers.HOST}:{port}",
                "--max-creates", str(parsed.creates), "--parallelism", str(parsed.parallelism),
            )  # fmt: skip
            measure((COMMAND, "init"), root=root)
            taken_s = measure(apply, root=root).wall_s
            none_s = measure(apply, root=root).wall_s
        seen = json.loads(said[-1])
        return Run(taken_s=taken_s, none_s=none_s, refused=seen["refused"], duplicates=seen["duplicates"])


if __name__ == "__main__":
    sys.exit(main())
