"""Other tools on the same work, measured beside us where they are installed: Terraform or OpenTofu, octoDNS.

None of them can keep exams. Terraform gets a `terraform_data` resource for each exam, with the exam's fields
as its input, and octoDNS a TXT record, with the fields as its values: each plans what has not changed.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import exams
from processes import COMMAND, measure
from rounds import Case

OURS: Final = "reconciler plan, nothing to do"

_OCTODNS: Final = """\
manager: {max_workers: 1}
providers:
  declared: {class: octodns.provider.yaml.YamlProvider, directory: ./declared, enforce_order: false}
  live: {class: octodns.provider.yaml.YamlProvider, directory: ./live, enforce_order: false}
zones:
  example.com.: {sources: [declared], targets: [live]}
"""


def cases(root: Path, count: int, *, say: Callable[[str], None]) -> list[Case]:
    """Our plan of `count` exams, and that of each tool that is installed; none where none is."""
    tools = [*_terraform(root, count, say), *_octodns(root, count, say)]
    if not tools:
        say("neither terraform, tofu nor octodns-sync is on PATH: no peer is measured")
        return []
    ours = root / "reconciler"
    script = Path(exams.__file__)
    measure((sys.executable, script, ours, "--exams", str(count)), root=script.parent)
    return [Case(name=OURS, command=(COMMAND, "plan"), root=ours, workload=f"{count:,}"), *tools]


def _terraform(root: Path, count: int, say: Callable[[str], None]) -> list[Case]:
    program = shutil.which("terraform") or shutil.which("tofu")
    if program is None:
        return []
    workspace = root / "terraform"
    workspace.mkdir(parents=True)
    # Blocks in Terraform's JSON syntax; `$${` and `%%{` would be its escapes, and no exam has such text.
    blocks = {f"exam_{number}": {"input": _fields(number)} for number in range(count)}
    document = {"resource": {"terraform_data": blocks}}
    (workspace / "main.tf.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    say(f"terraform applies {count} resources once, which takes a while")
    measure((program, "init", "-input=false", "-no-color"), root=workspace)
    measure((program, "apply", "-auto-approve", "-input=false", "-no-color"), root=workspace)
    name = Path(program).name
    return [
        Case(
            name=f"{name} plan, nothing to do",
            command=(program, "plan", "-input=false", "-no-color", "-detailed-exitcode"),
            root=workspace,
            workload=f"{count:,}",
            over=OURS,
        )
    ]


def _octodns(root: Path, count: int, say: Callable[[str], None]) -> list[Case]:
    program = shutil.which("octodns-sync")
    if program is None:
        return []
    workspace = root / "octodns"
    records = {
        f"exam-{number}": {"type": "TXT", "ttl": 300, "values": _texts(number)} for number in range(count)
    }
    for name in ("declared", "live"):
        folder = workspace / name
        folder.mkdir(parents=True)
        # JSON is YAML, and PyYAML takes it the same way.
        (folder / "example.com.yaml").write_text(json.dumps(records, indent=2), encoding="utf-8")
    (workspace / "config.yaml").write_text(_OCTODNS, encoding="utf-8")
    say(f"octodns plans {count} records")
    return [
        Case(
            name="octodns-sync, nothing to do",
            command=(program, "--config-file", "config.yaml", "--quiet"),
            root=workspace,
            workload=f"{count:,}",
            over=OURS,
        )
    ]


def _fields(number: int) -> dict[str, Any]:
    """The fields of the exam `number`, all as text."""
    lines = exams.exam_text(number, is_flawed=False).splitlines()
    pairs = (line.strip().split(": ", 1) for line in lines if ": " in line)
    return dict(pair for pair in pairs if len(pair) == 2)  # noqa: PLR2004 - a key and a value


def _texts(number: int) -> list[str]:
    """The same as values of a TXT record, in which a semicolon would have to be escaped."""
    return sorted(f"{name}={value}" for name, value in _fields(number).items())
