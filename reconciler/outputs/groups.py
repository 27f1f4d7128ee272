"""Words and symbols for the changes of one action, the same in every format."""

from typing import Final

from msgspec import Struct

from reconciler.model.plan import Action


class Group(Struct, frozen=True, kw_only=True):
    """How the changes of one action are shown.

    `label` is a word for the action: a verb for what apply does, else a state of the exam. `mark` is the
    symbol before a change, and its style. `one` and `many` are headings for one change and for several.
    `advice` says what a person can do.
    """

    label: str
    mark: tuple[str, str]
    one: str
    many: str
    advice: str = ""

    def heading(self, count: int) -> str:
        """Return the heading for `count` changes, at least one."""
        return self.one if count == 1 else self.many.format(f"{count:,}")


# In the order of a plan: what is left to a person, what apply does, what is up to date.
GROUPS: Final = {
    Action.IN_DOUBT: Group(
        label="in doubt",
        mark=("?", "magenta"),
        one="1 exam is in doubt: it may exist or not; nothing is sent for it",
        many="{} exams are in doubt: they may exist or not; nothing is sent for them",
        advice="Only a person can find out. Until it is settled nothing more is sent for such an exam; all "
        "other exams go on.",
    ),
    Action.CHANGED: Group(
        label="changed",
        mark=("~", "yellow"),
        one="1 exam differs from what was created; left alone",
        many="{} exams differ from what was created; left alone",
        advice="A change is never sent to an exam that exists. Put the declaration back as it was, or make "
        "the change in SmarterProctoring and then accept it: state records that the exam is as declared. "
        "Another course or install is another exam, with another address.",
    ),
    Action.ORPHANED: Group(
        label="orphaned",
        mark=("-", "red dim"),
        one="1 exam is in state but no longer declared; left alone",
        many="{} exams are in state but no longer declared; left alone",
        advice="Nothing is deleted. Declare such an exam again, name its new address under `moved:` if it "
        "was renamed, or list it under `removed:` to have state forget it.",
    ),
    Action.CREATE: Group(
        label="create",
        mark=("+", "green"),
        one="1 exam will be created",
        many="{} exams will be created",
    ),
    Action.IMPORT: Group(
        label="adopt",
        mark=("=", "cyan"),
        one="1 exam exists already and will be adopted into state; nothing is sent",
        many="{} exams exist already and will be adopted into state; nothing is sent",
    ),
    Action.MOVE: Group(
        label="readdress",
        mark=(">", "cyan"),
        one="1 exam will get a new address in state; nothing is sent",
        many="{} exams will get new addresses in state; nothing is sent",
    ),
    Action.FORGET: Group(
        label="forget",
        mark=("\N{MULTIPLICATION SIGN}", "cyan"),
        one="1 exam will be forgotten by state; the exam itself stays",
        many="{} exams will be forgotten by state; the exams themselves stay",
    ),
    Action.ACCEPT: Group(
        label="accept",
        mark=("≈", "cyan"),
        one="1 exam was changed by hand to what is declared; state will record that, nothing is sent",
        many="{} exams were changed by hand to what is declared; state will record that, nothing is sent",
    ),
    Action.NOOP: Group(
        label="up to date",
        mark=("✓", "dim"),
        one="1 exam is up to date",
        many="{} exams are up to date",
    ),
}
