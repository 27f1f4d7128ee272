"""Options that commands in hints need, so that they work on the same workspace and state when copied."""

import re
import shlex
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.errors import PlanRefused, ReconcilerError
from reconciler.model.plan import Guard, Plan

PLACEHOLDER: Final = "EX…"
"""Placeholder, in commands and manifest entries, for an SID that a person has to find."""
_OF_A_STATE: Final = re.compile(
    r"`(reconciler (?:plan|apply|show|init|import|resolve|unlock|state [a-z]+)(?: [^`]*)?)`"
)
"""A command in a hint that accepts all the options that select a state."""


class Invocation(Struct, frozen=True):
    """The options that select this workspace and state, such as `--env production`."""

    options: tuple[str, ...] = ()

    def command(self, *words: str) -> str:
        """Return the command line `reconciler WORDS OPTIONS`, quoted for a shell."""
        return " ".join(("reconciler", *words, *map(shlex.quote, self.options)))

    def settling_commands(self, address: str) -> tuple[str, str]:
        """Return the commands that settle a doubt about `address`: if the exam exists, and if it does not."""
        return (
            self.command("resolve", address, "--sid", PLACEHOLDER),
            self.command("resolve", address, "--absent"),
        )

    def completed(self, text: str) -> str:
        """Return `text` with these options added to each command in backticks that works on the state."""
        if not self.options or "`reconciler " not in text:
            return text
        return _OF_A_STATE.sub(lambda found: f"`{self._completed_command(found[1])}`", text)

    def completed_plan(self, plan: Plan) -> Plan:
        """Return `plan` with these options added to the commands in its guards and notes."""
        notes = tuple(replace(note, hint=self.completed(note.hint)) for note in plan.notes)
        return replace(plan, guards=self._completed_guards(plan.guards), notes=notes)

    def complete_error(self, error: ReconcilerError) -> None:
        """Add these options to the commands in `error`."""
        error.hint = self.completed(error.hint)
        if isinstance(error, PlanRefused):
            error.guards = self._completed_guards(error.guards)

    def _completed_command(self, command: str) -> str:
        """Return `command` with these options, unless it has one of them already."""
        words = command.split()
        return command if any(option in words for option in self.options) else self.command(*words[1:])

    def _completed_guards(self, guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
        return tuple(replace(guard, hint=self.completed(guard.hint)) for guard in guards)


NO_OPTIONS: Final = Invocation()
"""Commands need no option: they run in the workspace, and it has no environments."""
