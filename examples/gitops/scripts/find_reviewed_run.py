"""Find the run that planned the pull request which GITHUB_SHA merged: `find_reviewed_run.py WORKFLOW`.

Its id goes to GITHUB_OUTPUT as run-id. Exit code 1 where there is none: what was not planned in a
pull request, such as a push past it, is not applied.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode


def main() -> int:
    """Find it; the exit code."""
    workflow, sha = sys.argv[1], os.environ["GITHUB_SHA"]
    merged = [one for one in ask(f"commits/{sha}/pulls") if one.get("merge_commit_sha") == sha]
    if not merged:
        return refuse(f"no pull request was merged as {sha}")
    head = merged[0]["head"]["sha"]
    question = urlencode({"head_sha": head, "event": "pull_request", "status": "success", "per_page": 1})
    runs = ask(f"actions/workflows/{workflow}/runs?{question}")["workflow_runs"]
    if not runs:
        return refuse(
            f"no run of {workflow} planned {head}, the last commit of pull request {merged[0]['number']}"
        )
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"run-id={int(runs[0]['id'])}\n")
    print(f"Pull request {merged[0]['number']} was planned by run {runs[0]['id']}.")
    return 0


def refuse(why: str) -> int:
    """Say why there is nothing to go by."""
    print(f"::error title=No reviewed plan::{why}. Nothing was applied; open a pull request with the change")
    return 1


def ask(path: str) -> Any:
    """What the repository's API answers."""
    request = urllib.request.Request(  # noqa: S310 - GitHub says its own address
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
