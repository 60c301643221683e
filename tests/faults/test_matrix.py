"""A minute of the fault bench; `scripts/faults` runs all of it, with any seed and for any time."""

import pytest

from tests.faults.catalog import FAULTS
from tests.faults.report import report
from tests.faults.run import run

SEED = 20


@pytest.mark.timeout(400)
async def test_a_minute_of_faults_breaks_no_promise() -> None:
    history = await run(SEED, 1.0, sorted(FAULTS))
    assert not history.violations, report(history)
    assert history.tallies["calm"].acknowledged > 0
