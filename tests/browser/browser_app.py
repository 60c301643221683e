"""A running application with a browser's address, and pages that keep what goes wrong in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from playwright.async_api import ConsoleMessage, Page

from tests.api_client import ApiClient


class Site(Protocol):
    """Where a browser finds a running SpectraView, and its keys by scope."""

    @property
    def url(self) -> str: ...

    @property
    def keys(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class BrowserApp:
    """An application that a browser can open, and a client that speaks the contract with it."""

    url: str
    api: ApiClient

    @property
    def keys(self) -> dict[str, str]:
        """Return the keys by scope."""
        return dict(self.api.keys)


@dataclass
class Faults:
    """What went wrong in a test's pages: uncaught errors, and what the console shows in red."""

    seen: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=lambda: ["/favicon.ico"])
    """Parts of messages that a test provokes on purpose."""

    def watch(self, page: Page) -> None:
        """Keep what goes wrong in a page from now on."""
        page.on("pageerror", lambda error: self.seen.append(f"{error.name}: {error.message}"))
        page.on("console", self._note)

    def unexpected(self) -> list[str]:
        """Return what no test has asked for."""
        return [text for text in self.seen if not any(part in text for part in self.expected)]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(f"{message.text} ({message.location.get('url', '')})")
