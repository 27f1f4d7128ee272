"""The proof that a server compares before it swaps, tried on a ref of its own.

A push looks at a ref, and then asks for its change on the condition that it still is as seen. Only a change
in between shows whether the server heeds that. git runs a hook at that very moment: here the only one it
ever runs, written for the occasion, which makes the ref that the push is about to make. Where such a hook
cannot be run (temporary files that may not be executed), the server's word that it knows atomic pushes has
to do.
"""

import shlex
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from reconciler.backends.git_branch import Branch
from reconciler.backends.git_complaints import unavailable, unconditional
from reconciler.backends.git_history import UNNAMED, message_of
from reconciler.backends.git_remote import Answer, Update, receiving
from reconciler.backends.git_scratch import Edit
from reconciler.backends.git_urls import GitPlace

_HOOK: Final = """#!/bin/sh
: >"$RECONCILER_PROOF/begun"
exec git push --quiet --no-verify {options} -- "$RECONCILER_PROOF_ADDRESS" "$RECONCILER_PROOF_WANTED"
"""
_HOOK_MODE: Final = 0o700


def prove(place: GitPlace, branch: Branch) -> None:
    """Nothing, if the server refuses to make a ref that was made in between, and lets it be removed.

    Raises StateUnavailable.
    """
    first, second = (_commit(branch, text) for text in (b"first", b"second"))
    ref = f"{place.lock}.proof-{first[:8]}"
    folder = Path(mkdtemp(dir=branch.scratch.git.directory))
    hook = folder / "pre-push"
    hook.write_text(_HOOK.format(options=shlex.join(receiving(place))))
    hook.chmod(_HOOK_MODE)
    variables = {
        "RECONCILER_PROOF": str(folder),
        "RECONCILER_PROOF_ADDRESS": place.address,
        "RECONCILER_PROOF_WANTED": f"{first}:{ref}",
    }
    making = Update(ref=ref, expected=None, new=second)
    pushed = branch.remote.push(making, settings=[f"core.hooksPath={folder}"], variables=variables)
    found = branch.remote.look(ref)[ref]
    is_tried = (folder / "begun").exists()
    removed = branch.remote.push(Update(ref=ref, expected=found, new=None)) if found else pushed
    if is_tried and (pushed.answer is Answer.DONE or found == second):
        raise unconditional(place)
    if (is_tried and found is None) or (found is not None and removed.answer is not Answer.DONE):
        raise unavailable(place, "make and remove refs at", removed.trouble)


def _commit(branch: Branch, text: bytes) -> str:
    message = message_of("a try whether pushes are conditional", "", {})
    return branch.scratch.build(None, Edit(puts={"try": text}), message=message, author=UNNAMED).commit
