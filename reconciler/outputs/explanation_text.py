"""Explanations: Markdown laid out on a terminal, and left as it is elsewhere."""

from rich.console import Console
from rich.markdown import Markdown

from reconciler.outputs.escapes import printable


def print_explanation(markdown: str, console: Console) -> None:
    """`markdown`, which a plug-in may have written, stands on the console."""
    text = "\n".join(map(printable, markdown.splitlines()))
    if console.is_terminal:
        console.print(Markdown(text, hyperlinks=False))
    else:
        console.file.write(f"{text}\n")
