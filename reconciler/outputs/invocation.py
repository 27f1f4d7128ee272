"""The scope of a command in hints, so that it works on the same workspace and state when copied."""

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.commands import command, shell_word
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.errors import ManifestInvalid, PlanRefused, ReconcilerError, ResolutionRefused
from reconciler.model.plan import Guard, Plan

PLACEHOLDER: Final = "EX…"
"""Placeholder, in commands and manifest entries, for an SID that a person has to find."""
_COMMAND: Final = re.compile(r"`(reconciler ([a-z]+)[^`]*)`")
_OF_A_STATE: Final = ("validate", "show", "init", "import", "resolve", "unlock", "state")
SCOPE_OF: Final = {
    **dict.fromkeys(("check", "rollover"), frozenset({"--chdir", "--env"})),
    **dict.fromkeys(_OF_A_STATE, frozenset({"--chdir", "--env", "--state"})),
    **dict.fromkeys(("plan", "apply"), frozenset({"--chdir", "--env", "--state", "--api-url"})),
    "accept": frozenset({"--chdir", "--env", "--state", "--manifest"}),
}
"""The options of a scope that a command takes; one that is not listed takes none of them."""
WITH_PATHS: Final = frozenset({"validate", "plan", "apply", "import", "check", "rollover"})
"""The commands that take manifests as arguments; `accept` takes each with an option."""


class Invocation(Struct, frozen=True):
    """What selects this workspace and state: options with their values, and the manifests that were named."""

    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def command(self, *words: str) -> str:
        """Return the command line `reconciler WORDS` with this scope, quoted for a shell."""
        return self.completed(command(*words)).strip("`")

    def settling_commands(self, address: str, sid: str | None = None) -> tuple[str, str]:
        """Return the commands that settle a doubt about `address`: if the exam exists, and if it does not."""
        return (
            self.command("resolve", address, "--sid", sid or PLACEHOLDER),
            self.command("resolve", address, "--absent"),
        )

    def below_chdir(self, path: str) -> str:
        """Return `path`, which a command takes as relative to --chdir, as the shell would find it."""
        options = dict(zip(self.options[::2], self.options[1::2], strict=False))
        return str(PurePath(options.get("--chdir", "")) / path)

    def completed(self, text: str) -> str:
        """Return `text` with this scope, as far as it is taken, added to each command in backticks."""
        if not (self.options or self.paths) or "`reconciler " not in text:
            return text
        return _COMMAND.sub(lambda found: f"`{self._completed_command(found[1], found[2])}`", text)

    def completed_plan(self, plan: Plan) -> Plan:
        """Return `plan` with this scope added to the commands in its guards, notes and warnings."""
        return replace(
            plan,
            guards=self._completed_guards(plan.guards),
            notes=tuple(replace(note, hint=self.completed(note.hint)) for note in plan.notes),
            warnings=self.completed_diagnostics(plan.warnings),
        )

    def completed_diagnostics(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return `found` with this scope added to the commands in hints."""
        return tuple(replace(each, hint=self.completed(each.hint)) for each in found)

    def complete_error(self, error: ReconcilerError) -> None:
        """Add this scope to the commands in `error`."""
        error.hint = self.completed(error.hint)
        if isinstance(error, PlanRefused):
            error.guards = self._completed_guards(error.guards)
        if isinstance(error, ManifestInvalid | ResolutionRefused):
            error.diagnostics = self.completed_diagnostics(error.diagnostics)

    def _completed_command(self, line: str, name: str) -> str:
        """Return the command `line`; a part of the scope that it has already stays as it is."""
        head, dash, tail = line.partition(" -")
        paths = " ".join(map(_path_word, self.paths))
        if paths and name in WITH_PATHS and f" {paths} " not in f"{head} ":
            line = f"{head} {paths}{dash}{tail}"
        given = [*zip(self.options[::2], self.options[1::2], strict=False)]
        given += [("--manifest", path) for path in self.paths]
        accepted = SCOPE_OF.get(name, frozenset())
        words = [_option_words(option, value) for option, value in given if option in accepted]
        present = re.split(r"[ =]", line)
        return " ".join((line, *(text for text in words if re.split(r"[ =]", text)[0] not in present)))

    def _completed_guards(self, guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
        return tuple(replace(guard, hint=self.completed(guard.hint)) for guard in guards)


def _path_word(path: str) -> str:
    """Return the manifest `path` for a shell; one that looks like an option is written from the directory."""
    return shell_word(f"./{path}" if path.startswith("-") else path)


def _option_words(option: str, value: str) -> str:
    """Return `option` and `value` for a shell; a value that looks like an option is joined by `=`."""
    return f"{option}{'=' if value.startswith('-') else ' '}{shell_word(value)}"


NO_OPTIONS: Final = Invocation()
"""Commands need no option: they run in the workspace, and it has no environments."""
