"""Checks of the archive's object store."""

import asyncio
from uuid import uuid4

from spectraview.diagnosis.findings import Deployment, Finding, ok, problem
from spectraview.storage.objects import ObjectMissing, Objects, ObjectsUnavailable

_PATIENCE = 20.0
_CONTENT = b"SpectraView looks whether it can write here."


def archive(place: Deployment) -> Finding:
    """Write an object, read it and delete it."""
    if place.objects is None:
        return ok("there is no archive")
    try:
        asyncio.run(_probe(place.objects))
    except (ObjectsUnavailable, ObjectMissing, TimeoutError) as error:
        return problem(
            f"the archive can't be used: {str(error) or 'it does not answer'}",
            "Look at ARCHIVE_URL, the bucket, its rights to put, get and delete, and AWS_*.",
        )
    return ok("an object was written, read and deleted")


async def _probe(objects: Objects) -> None:
    key = f"spectraview-doctor-{uuid4()}"
    async with asyncio.timeout(_PATIENCE):
        await objects.put(key, _CONTENT)
        try:
            if await objects.get(key) != _CONTENT:
                raise ObjectsUnavailable("it answers something else than was written")
        finally:
            await objects.delete(key)


CHECKS = (archive,)
