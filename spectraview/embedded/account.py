"""The system account that the servers run under."""

import os
import pwd
from dataclasses import dataclass

from spectraview.embedded.errors import EmbeddedError

UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A system account other than our own."""

    user_id: int
    group_id: int


def server_account() -> Account | None:
    """Return the account to start servers under: None is our own, which root's cannot be."""
    # PostgreSQL refuses to run as root.
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and this system has no user {UNPRIVILEGED_USER}: "
            "start SpectraView as another user."
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)
