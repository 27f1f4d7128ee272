"""As much of GitHub's expressions as our workflows use; anything else is refused, lest it be misread."""

import re

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
_NAME = re.compile(r"[a-z_][\w.-]*", re.IGNORECASE)


def fill(text, contexts):
    """`text` with each `${{ … }}` replaced by its value."""
    return _EXPRESSION.sub(lambda found: str(_value(found[1].strip(), contexts)), str(text))


def holds(condition, contexts, *, failed):
    """Whether a step or job with this `if:` runs, where `failed` says whether one before it failed."""
    text = str(condition) if condition is not None else "success()"
    if not re.search(r"\b(always|success|failure|cancelled)\(\)", text):
        text = f"success() && {text}"
    states = {"always()": True, "success()": not failed, "failure()": failed, "cancelled()": False}
    return any(
        all(_holds(part.strip(), states, contexts) for part in either.split("&&"))
        for either in text.split("||")
    )


def _holds(part, states, contexts):
    if part in states:
        return states[part]
    for operator, is_equal in (("==", True), ("!=", False)):
        if operator in part:
            left, right = (_value(side.strip(), contexts) for side in part.split(operator))
            return (left == right) is is_equal
    raise AssertionError(f"the stand-in cannot tell whether {part!r} holds")


def _value(expression, contexts):
    if literal := re.fullmatch(r"'([^']*)'", expression):
        return literal[1]
    assert _NAME.fullmatch(expression), f"the stand-in does not know {expression!r}"
    value = contexts
    for key in expression.split("."):
        value = value.get(key, "") if isinstance(value, dict) else ""
    return value
