"""How a test, or whoever drills a revocation, runs a simulated KMS in another process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from fintech.adapters.simulator.kms.refusals import KmsRefused

TIMEOUT_S: Final = 5.0


class KmsControl:
    """The door of whoever runs it, which no weather closes. Methods raise `KmsRefused` for what it refuses, and
    ``aiohttp.ClientError`` where nobody is."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def told(self) -> dict[str, Any]:
        """Where it is and what it has, as in the line that it said when it was ready."""
        return await self._ask("GET", "/")

    async def change(self, **weather: Any) -> None:
        """Other weather (`Weather`)."""
        await self._ask("PUT", "/weather", weather)

    async def calls(self) -> list[dict[str, Any]]:
        """The last calls, oldest first."""
        calls: list[dict[str, Any]] = (await self._ask("GET", "/calls"))["calls"]
        return calls

    async def counts(self) -> dict[str, int]:
        """How many calls there were of each operation."""
        counts: dict[str, int] = (await self._ask("GET", "/calls"))["counts"]
        return counts

    async def forget_calls(self) -> None:
        """Begin the log anew."""
        await self._ask("DELETE", "/calls")

    async def as_bank(self, operation: str, **body: Any) -> dict[str, Any]:
        """What the bank does; bytes are in base 64."""
        return await self._ask("POST", f"/bank/{operation}", body)

    async def disable(self, cmk: str) -> None:
        """Nothing hangs from it until `enable`."""
        await self.as_bank("DisableKey", KeyId=cmk)

    async def enable(self, cmk: str) -> None:
        """As it was."""
        await self.as_bank("EnableKey", KeyId=cmk)

    async def revoke(self, cmk: str, grant: str) -> None:
        """Take back one merchant's permission."""
        await self.as_bank("RevokeGrant", KeyId=cmk, GrantId=grant)

    async def destroy(self, cmk: str) -> None:
        """It can be saved for 30 days, and used no more."""
        await self.as_bank("ScheduleKeyDeletion", KeyId=cmk)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        async with self._session.request(method, path, json=body) as response:
            answer: dict[str, Any] = await response.json()
        if not response.ok:
            raise KmsRefused(answer["code"], answer["message"])
        return answer


@asynccontextmanager
async def kms_control(url: str) -> AsyncIterator[KmsControl]:
    """Control of the simulator whose door is at ``url``."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        yield KmsControl(session)
