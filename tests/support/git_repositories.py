"""Git repositories for tests."""

import shutil
import subprocess

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
