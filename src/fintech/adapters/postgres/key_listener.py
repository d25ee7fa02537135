"""Hears at once that keys have changed, where the line lets it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from fintech.adapters.postgres.connections import CONNECTION_LOST, Connection
from fintech.adapters.postgres.key_statements import CHANNEL

CLOSE_TIMEOUT_S: Final = 2.0


class KeyListener:
    """A connection of its own, made when somebody first waits and again when it is lost.

    It saves time and nothing else: whoever waits looks afterwards, heard or not, so a pooler between us and the server
    that does not pass notifications on makes a change heard of later, never not at all.
    """

    def __init__(self, new_connection: Callable[[], Awaitable[Connection]]) -> None:
        self._new_connection = new_connection
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._heard = asyncio.Event()

    async def listen(self, timeout_s: float) -> asyncio.Event:
        """What is set when something is heard from now on, or the line is lost. Takes no longer than a time."""
        try:
            async with asyncio.timeout(timeout_s), self._connecting:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._listening()
        except (*CONNECTION_LOST, asyncpg.PostgresError):
            pass  # whoever waits looks all the same, and the next one tries again
        return self._heard

    async def _listening(self) -> Connection:
        connection = await self._new_connection()
        try:
            connection.add_termination_listener(self._lost)
            await connection.add_listener(CHANNEL, self._told)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def close(self) -> None:
        """Stop listening."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=CLOSE_TIMEOUT_S)
            except CONNECTION_LOST:
                connection.terminate()

    def _told(self, *_: object) -> None:
        self._wake()

    def _lost(self, _connection: Connection) -> None:
        self._wake()

    def _wake(self) -> None:
        """Each waits for an event once: those who wait next wait for another."""
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()
