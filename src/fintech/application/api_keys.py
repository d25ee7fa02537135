"""API keys: making, rolling, revoking, and telling who holds one."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.domain.api_keys import OFFICERS, ApiKey, KeyRevoked, secret_prefix
from fintech.domain.audit import AuditAction
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ApiKeyId, ChangesetId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.keyed_digest import KeyedDigest, Purpose
from fintech.ports.store import Store

#: How long a process believes what it knows of a key: a revoked one opens nothing anywhere after twice that.
BELIEF: Final = timedelta(seconds=1)
BELIEFS_MAX: Final = 10_000
SECRET_LENGTH_MAX: Final = 200


@frozen
class MadeKey:
    """A new key and its secret, which is shown once and kept nowhere."""

    key: ApiKey
    secret: str = field(repr=False)


@frozen(kw_only=True)
class CreateApiKey:
    """Make a key for a merchant in one mode, or for an officer of the bank."""

    store: Store
    ids: IdSource
    digests: KeyedDigest
    commits: Commits
    audited: Audited

    async def __call__(
        self, actor: Actor, scope: Scope, name: str, *, secret: str | None = None
    ) -> Outcome[MadeKey, NotFound | CommitRefused]:
        """``secret`` is for a sandbox whose key must stay the same; anybody else gets a new random one."""
        if scope != OFFICERS and await self.store.merchant(scope) is None:
            return Failure(NotFound("merchant", scope.merchant))
        spoken = secret or _new_secret(scope, self.ids)

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[ApiKey], CommitRefused]:
            key = _new_key(name, spoken, self.ids, self.digests, now)
            return Success(Decision(value=saved(key), changes=((key, EventType.API_KEY_CREATED),)))

        deed = Deed(actor=actor, action=AuditAction.API_KEY_CREATED, subject=scope.merchant, scope=scope)
        async with self.audited.deed(deed) as ending:
            outcome = await self.commits.land(scope, actor, decide)
            ending.came_to(outcome)
            if isinstance(outcome, Success):
                ending.details["key"] = outcome.unwrap().id
        if isinstance(outcome, Failure):
            return outcome
        return Success(MadeKey(outcome.unwrap(), spoken))


@frozen(kw_only=True)
class EndApiKey:
    """Revoke a key, now or after a while. It ends also where that cannot be written down."""

    store: Store
    commits: Commits
    audited: Audited

    async def __call__(
        self, actor: Actor, scope: Scope, id: ApiKeyId, after: timedelta = timedelta()
    ) -> Outcome[ApiKey, NotFound | KeyRevoked | CommitRefused]:
        """Refused as `ApiKey.ending` refuses."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[ApiKey], NotFound | KeyRevoked]:
            key = await self.store.api_key(scope, id)
            if key is None:
                return Failure(NotFound("key", id))
            ending = key.ending(now + after)
            if isinstance(ending, Failure):
                return ending
            ended = ending.unwrap()
            return Success(Decision(value=saved(ended), changes=((ended, EventType.API_KEY_UPDATED),)))

        deed = Deed(actor=actor, action=AuditAction.API_KEY_ENDED, subject=id, scope=scope, anyway=True)
        async with self.audited.deed(deed) as ending:
            outcome = await self.commits.land(scope, actor, decide)
            ending.came_to(outcome)
        return outcome


@frozen(kw_only=True)
class RollApiKey:
    """Make a new key in an old one's place, in one commit: there is never one of the two without the other's end."""

    store: Store
    ids: IdSource
    digests: KeyedDigest
    commits: Commits
    audited: Audited

    async def __call__(
        self, actor: Actor, scope: Scope, id: ApiKeyId, overlap: timedelta
    ) -> Outcome[MadeKey, NotFound | KeyRevoked | CommitRefused]:
        """The old key lives on for ``overlap``; refused as `ApiKey.ending` refuses."""
        spoken = _new_secret(scope, self.ids)

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[ApiKey], NotFound | KeyRevoked]:
            old = await self.store.api_key(scope, id)
            if old is None:
                return Failure(NotFound("key", id))
            ending = old.ending(now + overlap)
            if isinstance(ending, Failure):
                return ending
            new = _new_key(old.name, spoken, self.ids, self.digests, now)
            changes = ((new, EventType.API_KEY_CREATED), (ending.unwrap(), EventType.API_KEY_UPDATED))
            return Success(Decision(value=saved(new), changes=changes))

        deed = Deed(actor=actor, action=AuditAction.API_KEY_ROLLED, subject=id, scope=scope)
        async with self.audited.deed(deed) as ending:
            outcome = await self.commits.land(scope, actor, decide)
            ending.came_to(outcome)
            if isinstance(outcome, Success):
                ending.details["key"] = outcome.unwrap().id
        if isinstance(outcome, Failure):
            return outcome
        return Success(MadeKey(outcome.unwrap(), spoken))


def _new_secret(scope: Scope, ids: IdSource) -> str:
    return secret_prefix(scope) + ids.secret()


def _new_key(name: str, secret: str, ids: IdSource, digests: KeyedDigest, now: datetime) -> ApiKey:
    return ApiKey(
        id=ids.new(ApiKeyId),
        version=0,
        name=name,
        digest=digests.digest(Purpose.API_KEY, secret.encode()),
        hint=secret[-4:],
        created_at=now,
    )


@frozen
class Believed:
    """What is known of a secret, and until when it is believed."""

    who: tuple[Scope, ApiKey] | None
    until: datetime


@define(kw_only=True)
class Authenticate:
    """Tells whose secret it is. Remembers the answer for `BELIEF`, at most `BELIEFS_MAX` of them."""

    store: Store
    digests: KeyedDigest
    clock: Clock
    _beliefs: dict[bytes, Believed] = field(factory=dict, init=False)
    #: Whoever asks about the same key meanwhile waits for the same answer.
    _asking: "dict[bytes, asyncio.Future[Believed]]" = field(factory=dict, init=False)

    async def __call__(self, secret: str) -> tuple[Scope, ApiKey] | None:
        """The scope and the key of a secret that opens something now, or None."""
        if not secret.isascii() or len(secret) > SECRET_LENGTH_MAX:
            return None
        digest = self.digests.digest(Purpose.API_KEY, secret.encode())
        now = self.clock.now()
        believed = self._beliefs.get(digest)
        if believed is None or believed.until <= now:
            asking = self._asking.get(digest)
            if asking is None:
                asking = self._asking[digest] = asyncio.ensure_future(self._look_up(digest, now))
                asking.add_done_callback(lambda _: self._asking.pop(digest, None))
            believed = await asyncio.shield(asking)
        if believed.who is None or not believed.who[1].valid(now):
            return None
        return believed.who

    async def _look_up(self, digest: bytes, now: datetime) -> Believed:
        believed = Believed(await self.store.key_by_digest(digest), now + BELIEF)
        if len(self._beliefs) >= BELIEFS_MAX:
            self._beliefs.clear()
        self._beliefs[digest] = believed
        return believed
