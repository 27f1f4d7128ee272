"""Secrets are planted in files of all styles, with slips: no part of a secret is shown in any format."""

import io
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
import slip_cases as cases

from reconciler.manifest.loader import Loaded, load
from reconciler.model.destination import Environment
from reconciler.outputs.ci.github import github_commands, github_summary
from reconciler.outputs.ci.gitlab import code_quality_report
from reconciler.outputs.ci.junit import junit_text
from reconciler.outputs.ci.places import Checkout
from reconciler.outputs.ci.sarif import sarif_document
from reconciler.outputs.json.writers import diagnostics_document, to_text
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.diagnostics_text import print_diagnostics

FILES: Final = 200
PART: Final = 4
"""Characters of a secret that must not be shown together."""
LETTERS: Final = "QXZJKVWGHMRTUY"
SIGNS: Final = "QXZJKVWGHMRTUY!@#%&*-_=+?/.,;:'\"{}[]|>~ "
NOISE: Final = "\n\t :{}[]\"'*&!#-|>ax"


def secret(rng: random.Random) -> str:
    """A password as people make them: letters and digits, several words, or any signs."""
    letters = rng.choice((LETTERS, SIGNS))
    words = (
        "".join(rng.choices(letters, k=rng.randrange(5, 12))).strip() for _ in range(rng.randrange(1, 4))
    )
    return " ".join(words)


def written(rng: random.Random, value: str) -> list[str]:
    """`password` with `value`, in any style of YAML."""
    key = rng.choice(("password", "password", "pasword", "accessCode", "Passwort"))
    half = len(value) // 2
    return rng.choice(
        (
            [f"{key}: {value}"],
            [f"{key}: {value} # the new one"],
            [f"{key}:   '{value.replace(chr(39), chr(39) * 2)}'"],
            [f'{key}: "{value[:half]}', f'  {value[half:]}"'],
            [f"{key}: |", f"  {value}"],
            [f"{key}: >-", f"  {value[:half]}", "", f"  {value[half:]}"],
            [f"{key}:", f"  {value}"],
            [f"{key}: {{fromEnv: {value}}}"],
            [f"{key}: {{", f"  fromEnv: {value}", "}"],
            [f"modalityOptions: {{a: 1, {key}: {value}, b: 2}}"],
            [f"modalityOptions: {{{key}: {value},", "  b: 2}"],
            [f"# {key}: {value}"],
        )
    )


def planted(rng: random.Random, lines: list[str]) -> str:
    """Plant a secret in `lines`, below a field of an exam, and return it."""
    value = secret(rng)
    at = rng.choice([at for at in cases.entries(lines) if lines[at].startswith("    ")])
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at:at] = [f"{indent}{line}" for line in written(rng, value)]
    return value


def slipped(rng: random.Random, lines: list[str], value: str) -> str:
    """`lines` with slips: of known kinds anywhere, and of single characters near the secret `value`."""
    for _ in range(rng.randrange(1, 3)):
        if rng.random() < 0.5:
            with suppress(AssertionError):  # no place for this kind
                cases.planted(rng, lines, rng.choice(list(cases.SLIPS.values())))
    text = "\n".join(lines)
    for _ in range(rng.randrange(4)):
        near = max(text.find(value[:PART]), 0) + rng.randrange(-60, 60)
        at = min(max(near, 0), len(text) - 1)
        match rng.choice(("drop", "add", "swap", "join")):
            case "drop":
                text = text[:at] + text[at + 1 :]
            case "add":
                text = text[:at] + rng.choice(NOISE) + text[at:]
            case "swap":
                text = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
            case _:
                at = text.find("\n", at)
                text = text[:at] + text[at + 1 :]
    return text


def shown(loaded: Loaded) -> Iterator[str]:
    """What each format shows of what was found."""
    found, here = loaded.diagnostics, Checkout(PurePosixPath("/r"), PurePosixPath("/r"))
    text = io.StringIO()
    print_diagnostics(found, Console(text, width=120))
    yield text.getvalue()
    yield to_text(diagnostics_document(found))
    yield github_commands(found, here, has_summary=True)
    yield github_summary(found, here)
    yield to_text(code_quality_report(found, here))
    yield junit_text(loaded, here)
    yield to_text(sarif_document(found, here, helps={}))


@pytest.mark.parametrize("number", range(FILES))
def test_no_part_of_a_planted_secret_is_shown(tmp_path: Path, number: int) -> None:
    """Wherever the slips are, four characters of the secret never stand together in any output."""
    rng = random.Random(number)  # noqa: S311 - repeatable
    lines = cases.manifest(rng, rng.choice((30, 60)))
    value = planted(rng, lines)
    text = slipped(rng, lines, value)
    (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
    loaded = load(["exams.yaml"], root=tmp_path, environment=Environment())
    parts = {value[at : at + PART] for at in range(len(value) - PART + 1)}
    parts = {part for part in parts if any(map(str.isalpha, part))}  # signs alone are everywhere in JSON
    for output in shown(loaded):
        assert not [part for part in parts if part in output], (text, output)


EXAM: Final = """\
version: 1
timezone: America/New_York
defaults:
  type: Online
exams:
  cs101/a:
    course: cs101
    url: https://x.example.edu/a
    configuration:
      duration: 75
      password: { fromEnv: EXAM_SECRET_A }
      studentNotes: Bring a pen.
"""
WITHOUT_COLON: Final = (
    *("access code", "Access  Code\t", "access code;", "access code -", "access code\uff1a", "access-code"),
    *(
        "access_code",
        "PIN",
        "exam key,",
        "codigo",
        "c\u00f3digo de acceso",
        "\u043a\u043b\u044e\u0447",
        "codigo|",
    ),
    *(
        "the code is",
        "- codigo",
        "\u2022 codigo",
        "> codigo",
        '"codigo"',
        "codigo =>",
        "codigo->",
        "{ codigo",
    ),
    *('proctorNotes: "access code"', "modalityOptions: { a: 1, codigo", "password @", "Zugang\u2013"),
)


@pytest.mark.parametrize("key", WITHOUT_COLON)
@pytest.mark.parametrize("indent", ["", "    ", "      "])
def test_a_secret_behind_a_key_without_a_colon_is_not_shown(tmp_path: Path, key: str, indent: str) -> None:
    """Not in any language or spelling, and not by the hint either, wherever the line is."""
    lines = EXAM.splitlines()
    for place in range(len(lines) + 1):
        text = "\n".join([*lines[:place], f"{indent}{key} tulip-7731", *lines[place:], ""])
        (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
        loaded = load(["exams.yaml"], root=tmp_path, environment=Environment())
        for output in shown(loaded):
            assert "tulip" not in output
            assert "7731" not in output


def test_many_references_do_not_hide_a_slip(tmp_path: Path) -> None:
    """A reference is no secret, however many variables are named."""
    lines = [
        f"  a/{at}: {{configuration: {{password: {{fromEnv: EXAM_SECRET_Q{at}}}}}}}" for at in range(300)
    ]
    text = "\n".join(["version: 1", 'timezone: "Europe/Rome', "exams:", *lines])
    (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
    (found,) = load(["exams.yaml"], root=tmp_path, environment=Environment()).diagnostics
    assert (found.hint, found.excerpt) == ('Write `timezone: "Europe/Rome"`.', 'timezone: "Europe/Rome')


@pytest.mark.parametrize(
    "line",
    [
        "codigo tulip-7731: x",
        "codigo tulip: 7731",
        "MDP tulip-7731:",
        "? {codigo: tulip-7731}",
        "? codigo: tulip-7731",
        "[codigo 'tulip-7731'",
        "[codigo `tulip-7731`",
    ],
)
def test_a_secret_within_a_key_is_not_shown(tmp_path: Path, line: str) -> None:
    """A colon behind the value, or a sign before the word, makes all of it a key."""
    text = EXAM.replace("      duration: 75\n", f"      duration: 75\n      {line}\n")
    (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
    loaded = load(["exams.yaml"], root=tmp_path, environment=Environment())
    assert loaded.diagnostics
    for output in shown(loaded):
        assert "tulip" not in output
