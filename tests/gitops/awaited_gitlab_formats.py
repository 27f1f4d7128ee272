"""The `reconciler` that the GitLab jobs find on their path.

AWAITED: `validate --format gitlab` and `plan --format gitlab-terraform` come with another branch. Until the
parser takes them, a script in front of the command stands in for them. Once it does, only `_PLAIN` is left of
this module.
"""

import contextlib
import io
import sys

from reconciler.cli.parser import build_parser

_PLAIN = """\
#!/usr/bin/env bash
exec "{python}" -m reconciler "$@"
"""

_STANDING_IN = """\
#!/usr/bin/env bash
words=()
for word in "$@"; do case $word in gitlab | gitlab-terraform) word=json ;; esac; words+=("$word"); done
exec "{python}" -m reconciler "${{words[@]}}"
"""


def launcher():
    """The text of the script."""
    return (_PLAIN if _are_there() else _STANDING_IN).format(python=sys.executable)


def _are_there():
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
        build_parser().parse_args(["validate", "--format", "gitlab"])
        build_parser().parse_args(["plan", "--format", "gitlab-terraform"])
        return True
    return False
