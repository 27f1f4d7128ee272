"""Write the parts of docs/ that describe what stands elsewhere: in the parser, the rules and schemas/.

`make reference` runs it; a test fails if a page is not what it would write. In a page that people write, a
generated part stands between `<!-- generated: KIND NAME -->` and `<!-- generated: end -->`.
"""

import re
from pathlib import Path
from typing import Final

from command_tables import command_part
from schema_pages import exam_page, formats_page, manifest_page, workspace_page

from reconciler.cli import exit_codes
from reconciler.rules.registry import BUILT_IN

DOCS: Final = Path(__file__).parents[1] / "docs"
PART: Final = re.compile(
    r"(<!-- generated: (?!end)(\w+) ?([a-z ]*) -->\n).*?(?=<!-- generated: end -->)", re.DOTALL
)
PAGES: Final = {
    "exam-fields": exam_page,
    "manifest-fields": manifest_page,
    "workspace-fields": workspace_page,
    "formats": formats_page,
}


def pages() -> dict[Path, str]:
    """Return every page that is generated or has a generated part, with the text that it should have."""
    written = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
    filled = {path: PART.sub(_part, text) for path, text in written.items() if PART.search(text)}
    return filled | {DOCS / "reference" / f"{name}.md": page() for name, page in PAGES.items()}


def _part(found: re.Match[str]) -> str:
    return f"{found[1]}\n{PARTS[found[2]](found[3])}\n"


def exit_code_part(_: str) -> str:
    """Return the table of exit codes."""
    rows = [f"| `{code}` | {meaning} |" for code, meaning in exit_codes.MEANINGS.items()]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows, ""])


def rules_part(_: str) -> str:
    """Return the table of built-in rules, each with a link to its page."""
    rows = [f"| [`{one.code}`]({one.code}.md) | {one.summary} | {one.severity.value} |" for one in BUILT_IN]
    return "\n".join(["| rule | finds | severity |", "| --- | --- | --- |", *rows, ""])


PARTS: Final = {"command": command_part, "exitcodes": exit_code_part, "rules": rules_part}


def main() -> None:
    """Write every page that is not what it should be."""
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(DOCS.parent)} was written")


if __name__ == "__main__":
    main()
