"""Explanations: Markdown laid out on a terminal, and left as it is elsewhere."""

from reconciler.outputs.escapes import printable
from reconciler.outputs.plain import Console, rich_of


def print_explanation(markdown: str, console: Console) -> None:
    """`markdown`, which a plug-in may have written, stands on the console."""
    text = "\n".join(map(printable, markdown.splitlines()))
    if console.is_terminal:
        from rich.markdown import Markdown  # noqa: PLC0415 - only a terminal shows it

        rich_of(console).print(Markdown(text, hyperlinks=False))
    else:
        console.file.write(f"{text}\n")
