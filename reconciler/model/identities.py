"""Identities, each a type of its own, and the patterns that decide what may be one."""

import re
from typing import Annotated, Final, NewType, TypeAlias

from msgspec import Meta

_SEGMENTS: Final = r"(?!.*(?:\.\.|//|/\./|/\.?\Z))"
_ADDRESS: Final = rf"^{_SEGMENTS}[A-Za-z0-9][A-Za-z0-9._/-]{{0,127}}\Z"
_INSTALL: Final = r"^AI[a-f0-9]{32}\Z"
_COURSE: Final = r"^CU[a-f0-9]{32}\Z"
_EXAM: Final = r"^EX[a-f0-9]{32}\Z"
_CONFIGURATION: Final = r"^EC[a-f0-9]{32}\Z"
_DIGEST: Final = r"^sha256:[a-f0-9]{64}\Z"
_LINEAGE: Final = r"^[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}\Z"
_ATTEMPT: Final = r"^[A-Za-z0-9-]{1,64}\Z"

Address = NewType("Address", Annotated[str, Meta(pattern=_ADDRESS)])
"""The key of a declaration, unique over the workspace."""

InstallSid = NewType("InstallSid", Annotated[str, Meta(pattern=_INSTALL)])
"""SID of the application install that an exam belongs to: `AI` and 32 hexadecimal digits."""

CourseSid = NewType("CourseSid", Annotated[str, Meta(pattern=_COURSE)])
"""SID of a course: `CU` and 32 hexadecimal digits."""

ExamSid = NewType("ExamSid", Annotated[str, Meta(pattern=_EXAM)])
"""SID of a created exam: `EX` and 32 hexadecimal digits."""

ConfigurationSid = NewType("ConfigurationSid", Annotated[str, Meta(pattern=_CONFIGURATION)])
"""SID of an exam's configuration: `EC` and 32 hexadecimal digits."""

AttemptId = NewType("AttemptId", Annotated[str, Meta(pattern=_ATTEMPT)])
"""Id of one try at creating one exam; a retry is a new attempt."""

Digest = NewType("Digest", Annotated[str, Meta(pattern=_DIGEST)])
"""`sha256:` and 64 hexadecimal digits."""

Lineage: TypeAlias = Annotated[str, Meta(pattern=_LINEAGE)]
"""Id of a state's history: a UUID, in lower case."""

MAX_ADDRESS: Final = 128
ADDRESS_RULE: Final = (
    "letters, digits, '.', '_', '/' and '-', at most 128, beginning with a letter or digit, "
    "without '..' and without empty parts as in 'a//b' or 'a/'"
)

_NOT_TEXT_IN_YAML: Final = re.compile(
    r"[-+]?[0-9.]+(e[-+]?[0-9]+)?|0x[0-9a-f]+|0o[0-7]+|true|false|null",
    re.ASCII | re.IGNORECASE,
)
_USER: Final = r"^US[a-f0-9]{32}\Z"


def is_address(text: str) -> bool:
    """Return whether `text` is a valid address: `..`, and empty or `.` segments (`a//b`), are invalid."""
    return re.match(_ADDRESS, text) is not None


def is_address_part(text: str) -> bool:
    """Return whether `text` is a valid address without `/`, such as the name of a term or a section."""
    return is_address(text) and "/" not in text


def exam_address_of(address: Address, section: str | None) -> Address:
    """Return the address of the exam whose `section` is at `address`; `address` itself without a section."""
    return address if section is None else Address(address.removesuffix(f"/{section}"))


def as_yaml(name: str) -> str:
    """Return `name`, an address or an attempt id, as a scalar that YAML reads as text."""
    return f'"{name}"' if _NOT_TEXT_IN_YAML.fullmatch(name) else name


def is_install_sid(text: str) -> bool:
    """Return whether `text` has the documented shape of an install's SID."""
    return re.match(_INSTALL, text) is not None


def is_course_sid(text: str) -> bool:
    """Return whether `text` has the documented shape of a course's SID."""
    return re.match(_COURSE, text) is not None


def is_exam_sid(text: str) -> bool:
    """Return whether `text` has the documented shape of an exam's SID."""
    return re.match(_EXAM, text) is not None


def is_user_sid(text: str) -> bool:
    """Return whether `text` has the documented shape of a user's SID."""
    return re.match(_USER, text) is not None


def is_configuration_sid(text: str) -> bool:
    """Return whether `text` has the documented shape of an exam configuration's SID."""
    return re.match(_CONFIGURATION, text) is not None


def is_digest(text: str) -> bool:
    """Return whether `text` has the shape of a digest."""
    return re.match(_DIGEST, text) is not None


def is_attempt_id(text: str) -> bool:
    """Return whether `text` may be an attempt id."""
    return re.match(_ATTEMPT, text) is not None
