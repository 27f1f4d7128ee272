"""Runs that are killed and failed are not measured.

Other folders measure what they run, and measuring is a third of the time of each of a thousand processes.
"""

import pytest


@pytest.fixture(autouse=True, scope="package")
def unmeasured():
    """Processes that the tests start do not look for coverage's settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
