"""Whether a sealed value is still needed: the record that it is of says so (PCI DSS 3.2.1)."""

from datetime import datetime
from typing import Final

from attrs import frozen

from fintech.domain.business_days import sydney_day
from fintech.domain.ids import BankAccountId, DisputeId, PaymentMethodId, WebhookEndpointId
from fintech.domain.keys.columns import ACCOUNT_NUMBER, CARD_NUMBER, EVIDENCE, WEBHOOK_SECRET
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.places import Place
from fintech.domain.scope import Scope
from fintech.domain.webhooks.endpoint import EndpointStatus
from fintech.ports.store import Store

#: What may follow a record's id where it has several values of a column.
_PART: Final = "."


@frozen(kw_only=True)
class AskRecords:
    """Asks the books about the records of a place."""

    store: Store
    policy: KeyPolicy

    async def __call__(self, scope: Scope, place: Place, now: datetime) -> bool | None:
        """Whether the value at a place is needed at a moment; None where nobody can say, which keeps it."""
        id = place.record.partition(_PART)[0]
        match place.table:
            case CARD_NUMBER.table if method := PaymentMethodId.parse(id):
                return await self._card(scope, method, place, now)
            case ACCOUNT_NUMBER.table if account := BankAccountId.parse(id):
                found = await self.store.bank_account(scope, account)
                removed_at = None if found is None else found.removed_at
                return found is not None and (removed_at is None or now < removed_at + self.policy.ended_kept)
            case EVIDENCE.table if dispute := DisputeId.parse(id):
                return await self.store.dispute(scope, dispute) is not None
            case WEBHOOK_SECRET.table if webhook := WebhookEndpointId.parse(id):
                endpoint = await self.store.webhook_endpoint(scope, webhook)
                return endpoint is not None and endpoint.status is not EndpointStatus.REMOVED
            case _:
                return None

    async def _card(self, scope: Scope, id: PaymentMethodId, place: Place, now: datetime) -> bool:
        method = await self.store.payment_method(scope, id)
        if method is None:
            return False
        return place.column != CARD_NUMBER.name or self.policy.keeps_number(method.card, sydney_day(now))
