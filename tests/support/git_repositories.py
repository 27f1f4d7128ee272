"""Repositories for tests, and what stands in them."""

import shutil
import subprocess

GIT = shutil.which("git")


def git(folder, *arguments, given=None, check=True):
    """What `git ARGUMENTS` prints in the repository at `folder`."""
    command = [GIT, "-C", str(folder), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def bare(path):
    """A new bare repository at `path`."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    return path
