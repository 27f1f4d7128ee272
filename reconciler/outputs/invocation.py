"""Invocations: what the reader's next command has to say to work on the same state."""

from typing import Final

from reconciler.values import dataclass

PLACEHOLDER: Final = "EX…"
"""Stands in commands and manifest entries for the SID that only a person can find."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How the reader's commands find this workspace and state: options, such as `--env` and a name."""

    options: tuple[str, ...] = ()

    def command(self, *words: str) -> str:
        """The command line `reconciler WORDS` with these options behind, to be copied into a shell."""
        import shlex  # noqa: PLC0415 - most plans have no command to copy

        return " ".join(("reconciler", *words, *map(shlex.quote, self.options)))

    def settling_commands(self, address: str) -> tuple[str, str]:
        """The commands that settle a doubt about `address`: if the exam exists, and if it does not."""
        return (
            self.command("resolve", address, "--sid", PLACEHOLDER),
            self.command("resolve", address, "--absent"),
        )
