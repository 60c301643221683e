"""Each part of the deployment is killed under load; nothing is lost or doubled, all come back.

`scripts/faults --topology` does the same with a thousand sessions.
"""

import pytest

from tests.deploy.crowd import SMALL, run
from tests.deploy.outages import OUTAGES
from tests.deploy.report import summary, table

SEED = 7


@pytest.mark.timeout(400)
async def test_any_part_may_die_under_load() -> None:
    outcome = await run(SMALL, SEED)
    assert not outcome.history.violations, summary(SMALL, outcome)
    assert outcome.back.keys() == OUTAGES.keys()
    assert outcome.history.tallies["calm"].acknowledged > 0
    assert all(f"| {name} |" in table(outcome) for name in OUTAGES)
