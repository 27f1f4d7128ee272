"""What holds for every rule and every exam that the documented schema accepts."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler import schemas
from reconciler.manifest.schema.validation import check_of
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.lookalikes import deceptions, latinised
from reconciler.model.rules import Context, Exam, Finding
from reconciler.rules.registry import BUILT_IN

NUMBERS = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([10**300, 0, 1.5])
)
TITLES = st.text(max_size=20) | st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "(",
            "Practice",
            "practi",
            "Exam",
            " ",
            "1",
            "\u0421",
            "\u03bf",
            "\u200b",
            "\u202e",
            "e\u0301",
        ]
    )
).map("".join)
DATES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001 - bounds take no zone
    lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z"
) | st.just("2031-99-99T99:99:99.999Z")
URLS = st.text(max_size=20) | st.text(max_size=10).map("https://".__add__) | st.just("https://[")


def values(schema: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one case a type
    """Values that `schema` accepts, odd ones among them."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            if schema.get("pattern", "").startswith("^US"):
                return st.just(f"US{0:032x}")
            return DATES if "pattern" in schema else st.text(max_size=8) | TITLES | URLS
        case "boolean":
            return st.booleans()
        case "number":
            return NUMBERS
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "object":
            return objects(schema)
    return st.none() | st.text(max_size=8)


def objects(schema: Any) -> st.SearchStrategy[Any]:
    """Mappings that `schema` accepts."""
    fields = {name: values(part) for name, part in schema.get("properties", {}).items()}
    required = {name: fields.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=fields)


PAYLOADS = objects(schemas.load("create-exam"))


def exams_of(payloads: list[Any], courses: list[int]) -> tuple[Exam, ...]:
    """Exams with these payloads, in few courses, by address."""
    return tuple(
        Exam(
            address=Address(f"a/{number:04}"),
            install_sid=InstallSid(f"AI{0:032x}"),
            course_sid=CourseSid(f"CU{course:032x}"),
            payload=payload,
        )
        for number, (payload, course) in enumerate(zip(payloads, courses, strict=False))
    )


@given(
    payloads=st.lists(PAYLOADS, max_size=4),
    courses=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    now=st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_no_rule_raises(payloads: list[Any], courses: list[int], now: datetime | None) -> None:
    """Rules take whatever the schema accepts, and every finding is about one of the exams, in words."""
    assert not any(check_of("create-exam").errors(payload) for payload in payloads)
    exams = exams_of(payloads, courses)
    for rule in BUILT_IN:
        for finding in rule.check(exams, Context(now=now)):
            assert isinstance(finding, Finding)
            assert finding.exam in exams
            assert finding.message
            assert finding.hint
            assert len(finding.message) < 400


@given(payloads=st.lists(PAYLOADS, min_size=2, max_size=4))
def test_findings_do_not_depend_on_course_mates_elsewhere(payloads: list[Any]) -> None:
    """Rules that compare exams compare those of one course only, but for values that are unique."""
    exams = exams_of(payloads, list(range(len(payloads))))
    for rule in BUILT_IN:
        if rule.basis.name == "WORKSPACE" and not rule.code.startswith("shared-"):
            assert list(rule.check(exams, Context())) == []


@given(title=st.text(st.characters(max_codepoint=126, min_codepoint=32)))
def test_plain_text_deceives_nobody(title: str) -> None:
    """ASCII has no look-alikes, and stays as it is."""
    assert list(deceptions(title)) == []
    assert latinised(title) == title


def test_many_exams_are_compared_in_no_more_than_their_number() -> None:
    """Comparing asks each exam a bounded number of questions, however many there are and however alike."""
    asked = 0

    class Counted(dict[str, Any]):
        """A payload that counts how often it is looked into."""

        def get(self, key: str, default: Any = None) -> Any:
            nonlocal asked
            asked += 1
            return super().get(key, default)

    def cost(count: int) -> int:
        nonlocal asked
        asked = 0
        dates = {"examOpenDate": "2031-12-01T00:00:00.000Z", "examCloseDate": "2031-12-02T00:00:00.000Z"}
        payloads = [Counted(title="Same", url="u", configuration=dates) for _ in range(count)]
        for rule in BUILT_IN:
            list(rule.check(exams_of(payloads, [0] * count), Context()))
        return asked

    assert cost(2_000) <= 2 * cost(1_000) + 100
