"""What all live views share, whatever their transport: show the session until one side ends it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from aiohttp import web

from spectraview.api.requests import access_of
from spectraview.errors import SessionNotFound
from spectraview.keys import HUB
from spectraview.live.connection import Connection, Stalled
from spectraview.live.protocol import INTERNAL_ERROR, NOT_FOUND, RECONNECT, Subscription
from spectraview.live.viewer import ViewerClosed
from spectraview.storage.database import DatabaseUnavailable

logger = logging.getLogger(__name__)


async def show_until_gone(
    request: web.Request,
    session_id: UUID,
    connection: Connection,
    subscription: Subscription,
    gone: Coroutine[Any, Any, None],
) -> None:
    """Show the session until it ends, or `gone` says that the viewer has left.

    Raises ViewerClosed with the code to close with, and Stalled.
    """
    hub = request.app[HUB]
    show = asyncio.create_task(
        hub.show(session_id, access_of(request), connection, subscription), name="viewer"
    )
    leave = asyncio.create_task(gone, name="viewer-gone")
    try:
        await asyncio.wait((show, leave), return_when=asyncio.FIRST_COMPLETED)
        if show.done():
            _raise_closed(show, session_id)
    finally:
        for task in (show, leave):
            task.cancel()
        await asyncio.gather(show, leave, return_exceptions=True)


def _raise_closed(show: asyncio.Task[None], session_id: UUID) -> None:
    """Raise the reason why the show is over, as a close code."""
    try:
        show.result()
    except SessionNotFound:
        raise ViewerClosed(NOT_FOUND, "session not found") from None
    except DatabaseUnavailable:
        raise ViewerClosed(RECONNECT, "the store is not available") from None
    except Stalled:
        logger.info("cut a stalled viewer of %s", session_id)
        raise
    except ViewerClosed:
        raise
    except Exception as error:
        logger.exception("a viewer of %s failed", session_id)
        raise ViewerClosed(INTERNAL_ERROR, "internal error") from error
