"""The folder `.reconciler` of a workspace: what this machine keeps there. Git ignores it."""

from pathlib import Path
from typing import Final

from reconciler.model.errors import RecoveryRefused

_FOLDER: Final = ".reconciler"


def local_path(root: Path, name: str = "") -> Path:
    """Return the path of `name` in the folder of the workspace at `root`, or of the folder itself.

    Raises RecoveryRefused for a link in its place: a pull request could add one to redirect what is written.
    """
    for path in (root / _FOLDER, root / _FOLDER / name):
        if path.is_symlink():
            raise RecoveryRefused(
                f"{path.relative_to(root)} is a link, and nothing is kept behind links there",
                hint="Nothing was sent or changed. Remove the link; what is needed is made in its place.",
            )
    return root / _FOLDER / name
