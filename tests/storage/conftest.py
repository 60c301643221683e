"""What the store's tests share: a database for those that look only at their own sessions."""

from tests.api.conftest import shared_database_url as shared_database_url
