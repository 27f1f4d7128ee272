"""What planning and validating cost, beside starting Python and having libyaml read the same files."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import exams
from processes import COMMAND, measure
from rounds import Case
from tables import Row

PYTHON: Final = "`python -c pass`"
DRAIN: Final = "libyaml events, dropped"
PLAN: Final = "plan, nothing to do"

_JUDGED: Final = 10_000
"""The bounds are on this many exams; with fewer, starting up is most of the time."""

_MOST_MIB: Final = {10_000: 250.0, 100_000: 2048.0}
_LONGEST_OUTPUT: Final = 256 * 1024
_GROWTH: Final = 11.0
_SCRIPTS: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How many exams there are, in files of how many, and where they are put."""

    size: int
    per_file: int
    root: Path

    @property
    def words(self) -> str:
        """It, in a table."""
        files = -(-self.size // self.per_file)
        return f"{self.size:,} in {files:,} file{'' if files == 1 else 's'}"


SLIPS: Final = {
    "at its start": lambda text: text.replace("title:", "title", 1),
    "at its end": lambda text: "title".join(text.rsplit("title:", 1)),
    "a quote left open": lambda text: text.replace("title: ", 'title: "', 1),
    "a slip in each exam": lambda text: text.replace("title:", "title"),
    "a line of a megabyte": lambda text: f"{text}removed: {'[{' * 500_000}\n",
    "thousands of quotes": lambda text: text + "moved: \"'\n" * 5_000,
}
"""Bad manifests, each made of a valid one."""

_VALID: Final = "validate, a valid file"
_MOST_FOR_BAD: Final = 1.5


def bad_cases(root: Path, size: int) -> list[Case]:
    """What a bad file of `size` exams costs, over the same file when it was valid."""
    exams.write(root, size, per_file=size)
    (valid,) = root.rglob("*.yaml")
    text = valid.read_text(encoding="utf-8")
    words = f"{text.count(chr(10)):,} lines"
    found = [Case(name=_VALID, command=(COMMAND, "validate", str(valid)), root=root, workload=words)]
    for name, spoilt in SLIPS.items():
        bad = root / f"{name.replace(' ', '-')}.yaml"
        bad.write_text(spoilt(text), encoding="utf-8")
        case = Case(name=f"validate, {name}", command=(COMMAND, "validate", str(bad)), root=root, codes=(1,))
        found.append(
            replace(case, workload=words, over=_VALID, bound=_MOST_FOR_BAD, most_bytes=_LONGEST_OUTPUT)
        )
    return found


def start_cases(root: Path) -> list[Case]:
    """What starting costs."""
    _generate(root, 10, per_file=10)
    return [
        Case(name=PYTHON, command=(sys.executable, "-c", "pass"), root=root),
        Case(
            name="`reconciler --version`", command=(COMMAND, "--version"), root=root, over=PYTHON, bound=3.0
        ),
        Case(name="`reconciler plan --help`", command=(COMMAND, "plan", "--help"), root=root, over=PYTHON),
        Case(
            name="plan of ten",
            command=(COMMAND, "plan"),
            root=root,
            workload="10",
            over=PYTHON,
            bound=15.0,
        ),
    ]


def cases(workload: Workload) -> list[Case]:
    """The floor, and every command that reads `workload`, in the order in which a round runs them."""
    root, flawed = workload.root, workload.root.with_name(f"{workload.root.name}-flawed")
    _generate(root, workload.size, per_file=workload.per_file)
    exams.write(flawed, workload.size, per_file=workload.per_file, is_flawed=True)
    measure((COMMAND, "init", "--state", "file:empty.state.json"), root=root)
    first = ("--state", "file:empty.state.json", "--max-creates", workload.size)
    drain = (sys.executable, _SCRIPTS / "floors.py", "drain", root)
    found = [
        Case(name=DRAIN, command=drain, root=root),
        Case(name=PLAN, command=(COMMAND, "plan"), root=root, over=DRAIN, bound=3.2),
        Case(
            name="first plan, all to create",
            command=(COMMAND, "plan", *map(str, first)),
            root=root,
            over=DRAIN,
            bound=3.5,
        ),
        Case(name="validate", command=(COMMAND, "validate"), root=root, over=DRAIN, bound=3.5),
        Case(
            name="validate, an error in each",
            command=(COMMAND, "validate"),
            root=flawed,
            codes=(1,),
            over=DRAIN,
            bound=8.0,
            most_bytes=_LONGEST_OUTPUT,
        ),
        Case(
            name="draft from a table",
            command=(COMMAND, "draft", "--from", "table.csv", "--dates", "mdy"),
            root=root,
            over=DRAIN,
            bound=4.0,
        ),
    ]
    return [_judged(replace(case, workload=workload.words), workload.size) for case in found]


def _judged(case: Case, size: int) -> Case:
    """`case` with the bounds that are promised for `size` exams."""
    return replace(
        case,
        bound=case.bound if size == _JUDGED else None,
        most_mib=_MOST_MIB.get(size) if case.name == PLAN else None,
    )


def growth(large: Row, small: Row) -> Row:
    """How `large` compares with `small`, which has a tenth of its exams."""
    return replace(
        large,
        case="the same, to a tenth of it",
        over=f"{PLAN}, {small.workload}",
        ratio=large.seconds / small.seconds,
        cpu_ratio=large.cpu_s / small.cpu_s,
        bound=_GROWTH if large.most_mib == _MOST_MIB[100_000] else None,
        most_mib=None,
    )


def _generate(root: Path, count: int, *, per_file: int) -> None:
    """Exams and their state, made by processes of their own: whoever measures stays small."""
    arguments = (root, "--exams", str(count), "--per-file", str(per_file))
    measure((sys.executable, _SCRIPTS / "exams.py", *arguments), root=_SCRIPTS)
