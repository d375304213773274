"""Shortens the waits of the SDK's clients (pytest plugin, -p hurry).

They look every four seconds, out of consideration for a horde that others use.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
from horde_sdk.ai_horde_api import ai_horde_clients

HURRY = 20  # how much shorter


class Hurried:
    """A module whose sleep is short. The SDK's clients look every four seconds."""

    def __init__(self, module: ModuleType, *, asynchronous: bool) -> None:
        """Stands in for a module; asynchronous is whether its sleep is awaited."""
        self._module = module
        self.sleep = self._wait if asynchronous else lambda seconds: module.sleep(seconds / HURRY)

    async def _wait(self, seconds: float) -> None:
        await self._module.sleep(seconds / HURRY)

    def __getattr__(self, name: str) -> object:
        """Everything else is the module's."""
        return getattr(self._module, name)


@pytest.fixture(scope="session", autouse=True)
def hurry() -> Iterator[None]:
    """Shortens the waits of the simple clients."""
    patch = pytest.MonkeyPatch()
    patch.setattr(ai_horde_clients, "time", Hurried(ai_horde_clients.time, asynchronous=False))
    patch.setattr(ai_horde_clients, "asyncio", Hurried(ai_horde_clients.asyncio, asynchronous=True))
    yield
    patch.undo()
