"""The documented answer of the Create Exam call."""

from typing import Any, Final

from reconciler.sandbox.ledger import Exam

FIELDS: Final = (
    "sessionStatus",
    "sid",
    "courseSid",
    "applicationInstallSid",
    "title",
    "bVirtualTitle",
    "type",
    "description",
    "useProctorManager",
    "requireApproval",
    "enableAppointmentSuggestions",
    "url",
    "status",
    "createdDate",
    "editDate",
    "contactUserSid",
    "examDeliverySystemModule",
    "summary",
    "pendingApprovals",
    "openSessionEvents",
    "course",
    "configuration",
    "examSession",
    "instructorName",
    "courseName",
    "totalSessions",
    "needsProctorSessions",
    "scriptName",
    "systemName",
    "isLimitedScope",
    "platformVersion",
)

_DEFAULTS: Final = {"status": "active", "isLimitedScope": False}
_NEW: Final = {"pendingApprovals": 0, "openSessionEvents": 0, "totalSessions": 0, "needsProctorSessions": 0}


def answer_for(exam: Exam) -> dict[str, Any]:
    """Every documented field, null where nothing is known of it.

    The answer's `configuration` is documented as a text of unknown content, so it is null, and the password
    has no way back.
    """
    known = {
        **_DEFAULTS,
        **{name: value for name, value in exam.body.items() if name != "configuration"},
        **_NEW,
        "sid": exam.sid,
        "courseSid": exam.course_sid,
        "applicationInstallSid": exam.install_sid,
        "createdDate": exam.created_date,
        "editDate": exam.created_date,
    }
    return {name: known.get(name) for name in FIELDS}
