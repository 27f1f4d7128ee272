"""Exit code 1 if a plan has exams that wait for a person: `needs_attention.py PLAN.json`.

An exam in doubt may exist or not, and is never sent again by itself. An orphaned one is in state and declared
no more.
"""

import json
import sys
from pathlib import Path

WAITING = {"in-doubt": "in doubt", "orphaned": "orphaned"}


def main() -> int:
    """Name each of them; the exit code."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    waiting = [change for change in plan["changes"] if change["action"] in WAITING]
    for change in waiting:
        print(f"::warning title=Exam {WAITING[change['action']]}::{change['address']}")
    if waiting:
        print(
            "The summary has the plan: an exam in doubt with what settles it, an orphaned one with its SID."
        )
        return 1
    print("Nothing waits for anybody.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
