"""Git repositories for tests."""

import shutil
import subprocess

import pytest

GIT = shutil.which("git")


def git(folder, *arguments, given=None, check=True):
    """Run `git ARGUMENTS` in the repository at `folder`; return its standard output."""
    command = [GIT, "-C", str(folder), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def bare(path):
    """Create a bare repository at `path`."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    return path


def push_files(folder, branch, puts, *, drops=(), mode="100644"):
    """Add a commit to `branch` as somebody would who knows nothing of state; return it.

    `puts` are the contents of files by their paths; `drops` are removed first.
    """
    parent = git(folder, "rev-parse", "--verify", "--quiet", branch, check=False).strip()
    lines = [
        f"commit refs/heads/{branch}",
        "committer Somebody <somebody@example.edu> now",
        "data 7\nby hand",
    ]
    lines += [f"from {parent}"] if parent else []
    lines += [f"D {path}" for path in drops]
    for path, content in puts.items():
        inline = f"M {mode} inline {path}\ndata {len(content)}\n{content}"
        lines.append(f"M {mode} {content} {path}" if mode == "160000" else inline)
    git(folder, "fast-import", "--quiet", "--date-format=now", given="\n".join([*lines, ""]))
    return git(folder, "rev-parse", branch).strip()


def refusal(kind, call):
    """Return the error of the type `kind` that `call` raises, after a look at its words."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.message
    assert caught.value.hint
    return caught.value
