"""What to do about the URL of an exam that no browser opens: each hint names what is wrong with it."""

import re
from collections.abc import Callable
from typing import Final

from reconciler.model.words import nearest

_AROUND: Final = " \t\"'`<>()[]{}\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a\u00ab\u00bb,;"
_LINK: Final = re.compile(r"\[[^][]*\]\((?P<url>[^()\s]+)\)")
_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z]{3,8})(?::/{0,3}|/{2,3})(?P<rest>[^/].*)")
_HOST_FIRST: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?:[:/?#].*)?")
_SCHEMES: Final = ("https", "http")
_LONGEST: Final = 200
_WHOLE: Final = "Write the whole URL and nothing around it, like https://lms.example.edu/quiz/1."


def url_advice(url: str, is_usable: Callable[[str], bool]) -> str:
    """Return what to write in place of `url`, which is not usable."""
    link = _LINK.fullmatch(url.strip())
    bare = (url if link is None else link["url"]).strip(_AROUND)
    if is_usable(bare):
        return f"Write {bare if len(bare) <= _LONGEST else 'the URL'} and nothing around it."
    if any(map(str.isspace, bare)) and bare.startswith("http"):
        return "A URL has no spaces: remove what is not a part of it, and write %20 for a space that is."
    found = _SCHEME.fullmatch(bare)
    if found is not None and nearest(found["scheme"], _SCHEMES):
        bare = f"{nearest(found['scheme'], _SCHEMES)[0]}://{found['rest']}"
    elif _HOST_FIRST.fullmatch(bare):
        bare = f"https://{bare}"
    return f"did you mean '{bare}'?" if len(bare) <= _LONGEST and is_usable(bare) else _WHOLE
