"""The benchmarks run: their figures say nothing here, but there are some."""

import json
import os
import re
import subprocess
import sys
from math import isfinite
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STUB = """\
#!/bin/sh
echo "$(basename "$0") $*" >>"{log}"
"""

pytestmark = pytest.mark.timeout(600)


def run(script: str, *arguments: str, path: str = "", codes: tuple[int, ...] = (0,)) -> str:
    """What a benchmark prints; it ends with one of `codes`."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments],
        env=os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}" if path else os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in codes, done.stderr
    return done.stdout


def table(text: str) -> list[dict[str, str]]:
    """The rows of a table in Markdown, by their heads."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    heads, ruler, *body = rows
    assert all(set(cell) <= set("-: ") for cell in ruler)
    return [dict(zip(heads, row, strict=True)) for row in body]


def test_the_suite_measures_every_kind_of_case(tmp_path) -> None:
    """Starting, planning, validating and applying each have rows, in the table and in JSON alike."""
    text = run(
        "bench.py", "--cases", "start,plan,apply", "--sizes", "2,20", "--layouts", "thirty", "--runs", "1",
        "--creates", "20", "--parallelism", "5", "--latency", "1", "--no-bounds",
        "--out", str(tmp_path / "out"), "--work", str(tmp_path),
    )  # fmt: skip
    rows = table(text)
    assert (tmp_path / "out" / "bench.md").read_text().endswith(text[text.index("| case") : -1])
    document = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert [row["case"] for row in document["rows"]] == [row["case"] for row in rows]
    cases = {row["case"] for row in rows}
    assert {
        "`python -c pass`", "`reconciler --version`", "plan of ten", "libyaml events, dropped",
        "plan, nothing to do", "the same, to a tenth of it",
        "first plan, all to create", "validate", "validate, an error in each", "draft from a table",
        "bare asyncio sockets", "apply, without start-up", "apply with nothing to do",
        "apply, without start-up, answered at once",
    } <= cases  # fmt: skip
    # What is without start-up is a difference of two times, and so few creates take less than these may vary.
    assert all(float(row["median s"]) > 0 for row in rows if "without start-up" not in row["case"])
    assert {row["exams"] for row in rows if row["case"] == "validate"} == {
        "2 in 1 file",
        "20 in 1 file",
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_other_tools_are_measured_where_they_are_installed(tmp_path) -> None:
    """Each is prepared and then planned as its users would, beside our plan of as many exams."""
    log = tmp_path / "log"
    (tmp_path / "bin").mkdir()
    for name in ("terraform", "octodns-sync"):
        stub = tmp_path / "bin" / name
        stub.write_text(STUB.format(log=log))
        stub.chmod(0o755)
    text = run(
        "bench.py", "--cases", "peers", "--peer-sizes", "3", "--runs", "1", "--out", str(tmp_path / "out"),
        path=str(tmp_path / "bin"),
    )  # fmt: skip
    rows = {row["case"]: row for row in table(text)}
    assert set(rows) == {
        "reconciler plan, nothing to do",
        "terraform plan, nothing to do",
        "octodns-sync, nothing to do",
    }
    assert all(
        re.fullmatch(r"[0-9.]+", row["ratio"]) for name, row in rows.items() if "reconciler" not in name
    )
    called = [line.split()[:2] for line in log.read_text().splitlines()]
    assert called[:2] == [["terraform", "init"], ["terraform", "apply"]]
    assert called.count(["terraform", "plan"]) == 2


def test_a_missed_bound_is_an_exit_code(tmp_path) -> None:
    """A row that misses what is promised ends the suite with 1."""
    script = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        "import bench, tables\n"
        "rows = [tables.Row(case='x', workload='', runs=1, seconds=1, lowest_s=1, highest_s=1, cpu_s=1,\n"
        "    peak_mib=1, output_bytes=0, ratio=float(sys.argv[3]), bound=2)]\n"
        "bench._rows = lambda *_: rows\n"
        "sys.argv[3:] = []\n"
        "sys.exit(bench.main())"
    )
    for ratio, code, verdict in (("1.9", 0, "kept"), ("2.1", 1, "**missed**")):
        command = [sys.executable, "-c", script, "--out", str(tmp_path), ratio]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert table(done.stdout)[0][""] == verdict


def test_the_limits_of_rates_are_measured() -> None:
    """One kind of limit and one form of Retry-After give one row, and no exam was created twice."""
    text = run(
        "rate_limit.py", "--creates", "5", "--rate", "50", "--latency", "1", "--limiter", "bucket",
        "--form", "one", codes=(0, 1),
    )  # fmt: skip
    (row,) = table(text)
    assert row["limit"] == "bucket"
    assert row["created twice"] == "0"


def test_profiles_are_made_as_text_and_as_pages(tmp_path) -> None:
    """Of each kind of plan and of an apply, and each knows the function that it begins with."""
    run("profiles.py", "--exams", "5", "--creates", "5", "--out", str(tmp_path))
    kinds = {"apply", "plan", "plan-first"}
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{kind}.{suffix}" for kind in kinds for suffix in ("html", "txt")
    }
    for kind in kinds:
        assert "reconciler/cli/dispatch.py" in (tmp_path / f"{kind}.txt").read_text()


def test_an_apply_is_measured_with_each_kind_of_store() -> None:
    """Each store's server is started, used and ended, and has a row."""
    rows = table(run("stores.py", "--creates", "6", "--parallelism", "3", "--latency", "1", "--runs", "1"))
    assert [row["store"] for row in rows] == ["file", "git", "http", "s3"]
    assert all(isfinite(float(row["without start-up, to the ideal"])) for row in rows)
