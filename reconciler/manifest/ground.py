"""What all exams of a file stand on: defaults and profiles, courses and users, the zone, the install."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Self

from msgspec import Struct

from reconciler.manifest.datetimes import zone_of
from reconciler.manifest.defaults import Stack, count_nodes
from reconciler.manifest.effective import Context, is_user_sid
from reconciler.manifest.findings import Findings
from reconciler.manifest.shells import report_unknown_zone
from reconciler.manifest.source_text import SourceText
from reconciler.manifest.yaml_nodes import Mapping, Stretch, Value
from reconciler.model.environment import Environment
from reconciler.model.identities import CourseSid, InstallSid, is_course_sid, is_install_sid

MAX_MERGED_NODES: Final = 2_000_000
"""Values that defaults and profiles may come to, merged under every exam of a file."""

_EXAMS: Final = "exams"


class Ground(Struct, frozen=True):
    """What an exam is merged over and looked up in; `install` is None where a finding says why.

    `weight` is how many values are merged under each exam, not counting those of profiles.
    """

    stack: Stack
    context: Context
    install: InstallSid | None
    weight: int


class Standing(Struct, frozen=True):
    """The files that say what exams stand on, the one that wins last, and the environment, which has won.

    `are_whole` is false where a file that is extended is missing. `findings` are about the last of `roots`.
    """

    roots: Sequence[Mapping]
    environment: Environment
    are_whole: bool
    findings: Findings

    @classmethod
    def quiet(cls, root: Mapping, environment: Environment) -> Self:
        """A file that extends none; whatever is to be said about it raises Unmarked."""
        findings = Findings(SourceText("", ""), is_unmarked=True)
        return cls((root,), environment, are_whole=True, findings=findings)

    def ground(self) -> Ground:
        """What exams stand on."""
        stack = Stack(self.roots)
        below = stack.below()
        weight = 0 if below is None else count_nodes(below)
        return Ground(stack, self._context(), self._install_sid(), weight)

    def bears(self, merged_nodes: int) -> bool:
        """Whether so many values may be merged in one file; a finding says if not."""
        if merged_nodes <= MAX_MERGED_NODES:
            return True
        root = self.roots[-1]
        self.findings.add(
            "too-large",
            root.key_at("defaults" if "defaults" in root else _EXAMS),
            "the defaults and profiles, merged under every exam of this file, come to far too much",
            "Split the file, or move what few exams need out of `defaults`.",
        )
        return False

    def _context(self) -> Context:
        name = self.environment.timezone or self._nearest("timezone")
        zone = zone_of(name) if isinstance(name, str) else None
        if self.environment.timezone is not None and zone is None:
            report_unknown_zone(self.environment.timezone, Stretch(0, 0), self.findings)
        return Context(
            zone,
            {**_courses(self.roots), **self.environment.courses},
            {**_users(self.roots), **self.environment.users},
            zone_is_wrong=zone is None and name is not None,
        )

    def _nearest(self, key: str) -> Value:
        """What this file says under `key`, or else the nearest of those that it extends."""
        return next((root[key] for root in reversed(self.roots) if key in root), None)

    def _install_sid(self) -> InstallSid | None:
        """The install of every exam; None where a finding says why not."""
        if self.environment.install_sid is not None:
            return self.environment.install_sid
        written = self._nearest("installSid")
        if isinstance(written, str) and is_install_sid(written):
            return InstallSid(written)
        if self.are_whole and not any("installSid" in root for root in self.roots):
            self.findings.add(
                "no-install-sid",
                self.roots[-1].key_at(_EXAMS),
                "nothing says in which install these exams are to be created",
                "Add `installSid: AI…` at the top of the file, or to the environment.",
            )
        return None


def _courses(roots: Iterable[Mapping]) -> dict[str, CourseSid]:
    """The courses by alias; a later one of `roots` wins."""
    return {alias: CourseSid(sid) for alias, sid in _aliases("courses", roots) if is_course_sid(sid)}


def _users(roots: Iterable[Mapping]) -> dict[str, str]:
    """The users by alias; a later one of `roots` wins."""
    return {alias: sid for alias, sid in _aliases("users", roots) if is_user_sid(sid)}


def _aliases(block: str, roots: Iterable[Mapping]) -> Iterator[tuple[str, str]]:
    for root in roots:
        written = root.get(block)
        for alias, sid in written.items() if isinstance(written, Mapping) else ():
            if isinstance(sid, str):
                yield alias, sid
