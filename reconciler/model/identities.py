"""Identities, each a type of its own, and the patterns that decide what may be one."""

import re
from typing import Final, NewType

Address = NewType("Address", str)
"""The key of a declaration, unique over the workspace."""

InstallSid = NewType("InstallSid", str)
"""SID of the application install that an exam belongs to: `AI` and 32 hexadecimal digits."""

CourseSid = NewType("CourseSid", str)
"""SID of a course: `CU` and 32 hexadecimal digits."""

ExamSid = NewType("ExamSid", str)
"""SID of a created exam: `EX` and 32 hexadecimal digits."""

ConfigurationSid = NewType("ConfigurationSid", str)
"""SID of an exam's configuration: `EC` and 32 hexadecimal digits."""

AttemptId = NewType("AttemptId", str)
"""Names one try at creating one exam; a retry is a new attempt."""

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""

MAX_ADDRESS: Final = 128
ADDRESS_RULE: Final = "letters, digits, '.', '_', '/' and '-', at most 128, beginning with a letter or digit"

_ADDRESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", re.ASCII)
_NOT_TEXT_IN_YAML: Final = re.compile(
    r"[-+]?[0-9.]+(e[-+]?[0-9]+)?|0x[0-9a-f]+|0o[0-7]+|true|false|null",
    re.ASCII | re.IGNORECASE,
)
_INSTALL: Final = re.compile(r"AI[a-f0-9]{32}")
_COURSE: Final = re.compile(r"CU[a-f0-9]{32}")
_EXAM: Final = re.compile(r"EX[a-f0-9]{32}")
_USER: Final = re.compile(r"US[a-f0-9]{32}")
_CONFIGURATION: Final = re.compile(r"EC[a-f0-9]{32}")
_DIGEST: Final = re.compile(r"sha256:[a-f0-9]{64}")
_LINEAGE: Final = re.compile(r"[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}")
_ATTEMPT: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def is_address(text: str) -> bool:
    """Whether `text` may be an address; one with `..`, or an empty or `.` segment (`a//b`), may not."""
    segments = f"/{text}/"
    return (
        _ADDRESS.fullmatch(text) is not None
        and ".." not in text
        and "//" not in segments
        and "/./" not in segments
    )


def as_yaml(name: str) -> str:
    """Return `name`, an address or an attempt id, as a scalar that YAML reads as text."""
    return f'"{name}"' if _NOT_TEXT_IN_YAML.fullmatch(name) else name


def is_install_sid(text: str) -> bool:
    """Whether `text` has the documented shape of an install's SID."""
    return _INSTALL.fullmatch(text) is not None


def is_course_sid(text: str) -> bool:
    """Whether `text` has the documented shape of a course's SID."""
    return _COURSE.fullmatch(text) is not None


def is_exam_sid(text: str) -> bool:
    """Whether `text` has the documented shape of an exam's SID."""
    return _EXAM.fullmatch(text) is not None


def is_user_sid(text: str) -> bool:
    """Whether `text` has the documented shape of a user's SID."""
    return _USER.fullmatch(text) is not None


def is_configuration_sid(text: str) -> bool:
    """Whether `text` has the documented shape of an exam configuration's SID."""
    return _CONFIGURATION.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether `text` is a digest as this product writes them."""
    return _DIGEST.fullmatch(text) is not None


def is_lineage(text: str) -> bool:
    """Whether `text` may be a state's lineage: a UUID, in lower case."""
    return _LINEAGE.fullmatch(text) is not None


def is_attempt_id(text: str) -> bool:
    """Whether `text` may be an attempt id."""
    return _ATTEMPT.fullmatch(text) is not None
