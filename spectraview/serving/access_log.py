"""The access log: a line for each request, without its query, which may hold a key."""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger


class AccessLogger(AbstractAccessLogger):
    """Logs requests as text, with the same as fields for JSON."""

    @property
    def enabled(self) -> bool:
        """Tell whether anybody reads it."""
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log a request that was answered."""
        path = request.rel_url.raw_path
        fields = {
            "remote": request.remote,
            "method": request.method,
            "path": path,
            "status": response.status,
            "bytes": response.body_length,
            "seconds": round(time, 6),
        }
        self.logger.info(
            '%s "%s %s" %s %s %.6f',
            *(request.remote, request.method, path, response.status, response.body_length, time),
            extra=fields,
        )
