"""What the tests of a session's life share."""

import pytest

from spectraview.storage.database import Database
from tests.lifecycle.sealed import Sealed


@pytest.fixture
def sealed(database: Database) -> Sealed:
    """A database to seal sessions in."""
    return Sealed(database)
