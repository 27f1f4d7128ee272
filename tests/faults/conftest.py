"""Runs that are killed and failed are not measured.

Other folders measure what they run, and measuring is a third of the time of each of a thousand processes.
"""

import pytest


@pytest.fixture(autouse=True, scope="module")
def unmeasured():
    """Processes that a module's tests start do not look for coverage's settings.

    Not of wider scope: that of a folder which is no package is the whole run's, and what other folders start
    after it would not be measured either.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
