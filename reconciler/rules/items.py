"""Rules about permitted items, and about numbers that make an exam impossible."""

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.payloads import Json
from reconciler.model.rules import Context, Exam, Finding, Rule, short

_ITEMS: Final = (
    "BathroomBreak",
    "BlankPaper",
    "Calculator",
    "Dictionary",
    "Earplugs",
    "FormulaSheet",
    "Notes",
    "Textbook",
    "Websites",
)
_PAIRS: Final = tuple((f"permitted{item}", f"permitted{item}Information") for item in _ITEMS)
_INFORMATION: Final = tuple(information for _, information in _PAIRS)
_NUMBER: Final = (int, float)
_CALCULATOR: Final = "permittedCalculator"
_VIRTUAL: Final = "virtualCalculatorType"
_COUNTS: Final = ("duration", "attempts")


def _information(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration.get
        for permitted, information in _PAIRS if any(map(said, _INFORMATION)) else ():
            if said(permitted) is not True and said(information):
                yield Finding(
                    exam=exam,
                    path=("configuration", information),
                    others=(("configuration", permitted),),
                    message=f"{information} is given, and {permitted} is {_state(said(permitted))}",
                    hint=f"Write `{permitted}: true`, or remove the information.",
                )


def _calculator(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        if not exam.configuration.get(_VIRTUAL):
            continue
        permitted = exam.configuration.get(_CALCULATOR)
        if permitted is not True:
            yield Finding(
                exam=exam,
                path=("configuration", _VIRTUAL),
                others=(("configuration", _CALCULATOR),),
                message=f"students get a calculator on the screen, and {_CALCULATOR} is {_state(permitted)}",
                hint=f"Write `{_CALCULATOR}: true`, or remove {_VIRTUAL}.",
            )


def _state(permitted: Json) -> str:
    return "false" if permitted is False else "not given"


def _numbers(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        for name in _COUNTS:
            number = exam.configuration.get(name)
            if isinstance(number, _NUMBER) and number <= 0:
                yield Finding(
                    exam=exam,
                    path=("configuration", name),
                    message=f"{name} is {short(number)}, so no student could sit this exam",
                    hint=f"Give {name} a number above 0, or leave it out.",
                )
        attempts = exam.configuration.get("attempts")
        if isinstance(attempts, float) and attempts > 0:
            yield Finding(
                exam=exam,
                path=("configuration", "attempts"),
                message=f"attempts is {short(attempts)}, which is not a whole number",
                hint="Write a whole number, such as 1.",
            )


RULES: Final = (
    Rule(
        code="information-not-permitted",
        summary="information about an item that is not permitted",
        check=_information,
    ),
    Rule(
        code="calculator-not-permitted",
        summary="a calculator on the screen where none is permitted",
        check=_calculator,
    ),
    Rule(code="not-positive", summary="a duration or attempts of 0 or less", check=_numbers),
)
