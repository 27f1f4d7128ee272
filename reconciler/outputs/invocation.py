"""Invocations: what the reader's next command has to say to work on the same state."""

import re
import shlex
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.errors import PlanRefused, ReconcilerError
from reconciler.model.plan import Guard, Plan

PLACEHOLDER: Final = "EX…"
"""Stands in commands and manifest entries for the SID that only a person can find."""
_OF_A_STATE: Final = re.compile(
    r"`(reconciler (?:plan|apply|show|init|import|resolve|unlock|state [a-z]+)(?: [^`]*)?)`"
)
"""A command in a hint that takes all the options that say which state is meant."""


class Invocation(Struct, frozen=True):
    """How the reader's commands find this workspace and state: options, such as `--env` and a name."""

    options: tuple[str, ...] = ()

    def command(self, *words: str) -> str:
        """The command line `reconciler WORDS` with these options behind, to be copied into a shell."""
        return " ".join(("reconciler", *words, *map(shlex.quote, self.options)))

    def settling_commands(self, address: str) -> tuple[str, str]:
        """The commands that settle a doubt about `address`: if the exam exists, and if it does not."""
        return (
            self.command("resolve", address, "--sid", PLACEHOLDER),
            self.command("resolve", address, "--absent"),
        )

    def completed(self, text: str) -> str:
        """Return `text` with these options behind each command to copy that works on the state."""
        if not self.options or "`reconciler " not in text:
            return text
        return _OF_A_STATE.sub(lambda found: f"`{self._completed_command(found[1])}`", text)

    def completed_plan(self, plan: Plan) -> Plan:
        """Return `plan`, whose guards and notes tell commands with these options."""
        notes = tuple(replace(note, hint=self.completed(note.hint)) for note in plan.notes)
        return replace(plan, guards=self._completed_guards(plan.guards), notes=notes)

    def complete_error(self, error: ReconcilerError) -> None:
        """Make `error` tell commands with these options."""
        error.hint = self.completed(error.hint)
        if isinstance(error, PlanRefused):
            error.guards = self._completed_guards(error.guards)

    def _completed_command(self, command: str) -> str:
        """`command` with these options, unless it says itself which state it is for."""
        words = command.split()
        return command if any(option in words for option in self.options) else self.command(*words[1:])

    def _completed_guards(self, guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
        return tuple(replace(guard, hint=self.completed(guard.hint)) for guard in guards)


NO_OPTIONS: Final = Invocation()
"""Commands to copy need no option: they are run in the workspace, and it has no environments."""
