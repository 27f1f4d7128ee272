"""The pictures of the documentation show what the commands print now."""

from pathlib import Path

import pictures

ADVICE = "what is printed has changed: run `make pictures`, and look at docs/images"


def test_pictures_show_what_is_printed_now(tmp_path: Path) -> None:
    """Their inputs, made again, are those that the pictures were made of."""
    terminal, page = pictures.inputs(tmp_path)
    assert (pictures.IMAGES / pictures.TERMINAL).read_text(encoding="utf-8") == pictures.terminal_picture(
        terminal
    ), ADVICE
    assert (pictures.IMAGES / pictures.PAGE_DIGEST).read_text(encoding="utf-8") == pictures.digest(page), (
        ADVICE
    )


def test_pictures_are_small() -> None:
    """A phone loads each of them in a second or two, and none asks another server for anything."""
    assert {path.suffix for path in pictures.IMAGES.iterdir()} == {".png", ".sha256", ".svg"}
    for path in pictures.IMAGES.iterdir():
        assert path.stat().st_size < 200_000, path.name
        assert b"url(http" not in path.read_bytes().replace(b'"', b""), path.name
