"""What `reconciler apply` costs on top of the service's latency, with state in each kind of store.

python benchmarks/stores.py --stores file,git,http,s3 --runs 3
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final
from uuid import uuid4

import exams
import servers
from creating import Load
from processes import COMMAND, VARIABLE, measure

_SUPPORT: Final = Path(__file__).resolve().parents[1] / "tests" / "support"
sys.path.append(str(_SUPPORT))  # the servers that the tests have


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A kind of store: `fresh` gives the URL of an unused state in it."""

    fresh: Callable[[], str]
    variables: Mapping[str, str]


@contextmanager
def _file(_: Path) -> Iterator[Store]:
    yield Store(fresh=lambda: "file:exams.state.json", variables={})


@contextmanager
def _git(work: Path) -> Iterator[Store]:
    def fresh() -> str:
        repository = work / f"{uuid4()}.git"
        subprocess.run(["git", "init", "--bare", "--quiet", str(repository)], check=True)  # noqa: S607 - on PATH
        return f"git+{repository.as_uri()}"

    yield Store(fresh=fresh, variables={})


@contextmanager
def _http(_: Path) -> Iterator[Store]:
    import state_server  # noqa: PLC0415 - each store's server only where it is measured

    command = [sys.executable, state_server.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the server has no pipe")
        base = f"http://{servers.HOST}:{int(process.stdout.readline())}"
        known = {"TF_HTTP_USERNAME": state_server.USERNAME, "TF_HTTP_PASSWORD": state_server.PASSWORD}
        try:
            yield Store(
                fresh=lambda: f"{base}/api/v4/projects/1/terraform/state/{uuid4().hex}", variables=known
            )
        finally:
            process.kill()


@contextmanager
def _s3(_: Path) -> Iterator[Store]:
    import object_servers  # noqa: PLC0415 - as above

    with object_servers.moto() as server:
        yield Store(fresh=server.url, variables=server.variables)


_STORES: Final = {"file": _file, "git": _git, "http": _http, "s3": _s3}


def main() -> int:
    """Measure, the stores in turn in each round, and print a table."""
    parsed = _parse()
    load = Load(creates=parsed.creates, parallelism=parsed.parallelism, latency_ms=parsed.latency)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(servers.latent(parsed.latency))
        stores = {name: stack.enter_context(_STORES[name](work)) for name in parsed.stores}
        ratios: dict[str, list[float]] = {name: [] for name in stores}
        for _ in range(parsed.runs):
            for name, store in stores.items():
                ratios[name].append(_ratio(load, store, work / "term", port))
                print(f"{name}: {ratios[name][-1]:.2f}", file=sys.stderr, flush=True)
    print(f"{load.creates:,} creates, {load.parallelism} in flight, {parsed.latency:g} ms each\n")
    print("| store | without start-up, to the ideal | lowest to highest |\n| --- | ---: | --- |")
    for name, found in ratios.items():
        print(f"| {name} | {median(found):.2f} | {min(found):.2f} to {max(found):.2f} |")
    return 0


def _ratio(load: Load, store: Store, root: Path, port: int) -> float:
    """One apply in a fresh directory and a fresh state, less one that finds all created, over the ideal."""
    shutil.rmtree(root, ignore_errors=True)
    exams.write(root, load.creates, per_file=30, secret=VARIABLE)
    state = ("--state", store.fresh())
    apply: tuple[str | Path, ...] = (COMMAND, "apply", "--auto-approve", "--quiet", *state)
    apply += ("--api-url", f"http://{servers.HOST}:{port}", "--max-creates", str(load.creates))
    apply += ("--parallelism", str(load.parallelism))
    measure((COMMAND, "init", *state), root=root, variables=store.variables)
    sent = measure(apply, root=root, variables=store.variables)
    none = measure(apply, root=root, variables=store.variables)
    return (sent.wall_s - none.wall_s) / load.ideal_s


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure an apply with state in each kind of store.")
    parser.add_argument("--stores", type=_known, default=[*_STORES], metavar="STORE,…", help="(all)")
    parser.add_argument("--creates", type=int, default=1000, metavar="N", help="(1000)")
    parser.add_argument("--parallelism", type=int, default=10, metavar="N", help="(10)")
    parser.add_argument("--latency", type=float, default=50.0, metavar="MS", help="of the service (50)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds (3)")
    return parser.parse_args()


def _known(text: str) -> list[str]:
    chosen = text.split(",")
    if not set(chosen) <= set(_STORES):
        raise argparse.ArgumentTypeError(f"{text!r} is not of {', '.join(_STORES)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
