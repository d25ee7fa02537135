"""The composition of the core: ports are holes, use cases plug into them. A profile fills the holes."""

from dependency_injector import containers, providers

from fintech.application.api_keys import Authenticate, CreateApiKey, EndApiKey, RollApiKey
from fintech.application.commits import Commits
from fintech.application.merchants import OnboardMerchant, PlaceMerchant
from fintech.application.payment_methods import CreatePaymentMethod, FindMethod
from fintech.application.payments.asking import Asking
from fintech.application.payments.repeats import Repeats
from fintech.application.payments.requests import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    CreatePayment,
    IncrementAuthorisation,
    UpdatePayment,
)
from fintech.application.payments.resolving import ResolvePayment
from fintech.application.refunds.asking import RefundAsking
from fintech.application.refunds.repeats import RefundRepeats
from fintech.application.refunds.requests import CreateRefund, UpdateRefund
from fintech.application.refunds.resolving import ResolveRefund, ReturnRefund
from fintech.application.settlement import SettleMerchant
from fintech.application.sweep import Sweep
from fintech.application.webhooks.deliveries import GiveUpEndpoint, ResendEvent
from fintech.application.webhooks.endpoints import (
    CreateEndpoint,
    RemoveEndpoint,
    RotateSecret,
    UpdateEndpoint,
)
from fintech.ports.card_acquirer import CardAcquirer
from fintech.ports.card_vault import CardVault
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.keyed_digest import KeyedDigest
from fintech.ports.outbox import Outbox
from fintech.ports.proofs import Proofs
from fintech.ports.queries import Queries
from fintech.ports.store import Store
from fintech.ports.webhook_sender import WebhookSender


class Core(containers.DeclarativeContainer):
    """Call a member to get it: ``core.create_payment()`` is the use case, ready to be awaited."""

    store = providers.Dependency(instance_of=Store)
    queries = providers.Dependency(instance_of=Queries)
    proofs = providers.Dependency(instance_of=Proofs)
    outbox = providers.Dependency(instance_of=Outbox)
    acquirer = providers.Dependency(instance_of=CardAcquirer)
    vault = providers.Dependency(instance_of=CardVault)
    webhook_sender = providers.Dependency(instance_of=WebhookSender)
    clock = providers.Dependency(instance_of=Clock)
    ids = providers.Dependency(instance_of=IdSource)
    digests = providers.Dependency(instance_of=KeyedDigest)

    commits = providers.Singleton(Commits, store=store, ids=ids, clock=clock)
    asking = providers.Singleton(Asking, store=store, acquirer=acquirer, commits=commits)
    resolve_payment = providers.Singleton(
        ResolvePayment, store=store, acquirer=acquirer, commits=commits, asking=asking
    )
    repeats = providers.Singleton(Repeats, commits=commits, resolve=resolve_payment)

    onboard_merchant = providers.Singleton(OnboardMerchant, store=store, commits=commits)
    place_merchant = providers.Singleton(PlaceMerchant, store=store, commits=commits)
    create_api_key = providers.Singleton(CreateApiKey, store=store, ids=ids, digests=digests, commits=commits)
    roll_api_key = providers.Singleton(RollApiKey, store=store, ids=ids, digests=digests, commits=commits)
    end_api_key = providers.Singleton(EndApiKey, store=store, commits=commits)
    authenticate = providers.Singleton(Authenticate, store=store, digests=digests, clock=clock)

    create_payment_method = providers.Singleton(CreatePaymentMethod, ids=ids, vault=vault, commits=commits)
    find_method = providers.Singleton(FindMethod, store=store, vault=vault)
    create_payment = providers.Singleton(
        CreatePayment, store=store, ids=ids, commits=commits, asking=asking, repeats=repeats
    )
    update_payment = providers.Singleton(UpdatePayment, store=store, commits=commits, repeats=repeats)
    confirm_payment = providers.Singleton(
        ConfirmPayment, store=store, commits=commits, asking=asking, repeats=repeats
    )
    capture_payment = providers.Singleton(CapturePayment, store=store, commits=commits, repeats=repeats)
    cancel_payment = providers.Singleton(CancelPayment, store=store, commits=commits, repeats=repeats)
    increment_authorisation = providers.Singleton(
        IncrementAuthorisation, store=store, commits=commits, asking=asking, repeats=repeats
    )

    refund_asking = providers.Singleton(RefundAsking, store=store, acquirer=acquirer, commits=commits)
    resolve_refund = providers.Singleton(
        ResolveRefund, store=store, acquirer=acquirer, commits=commits, asking=refund_asking
    )
    refund_repeats = providers.Singleton(RefundRepeats, commits=commits, resolve=resolve_refund)
    create_refund = providers.Singleton(
        CreateRefund, store=store, ids=ids, commits=commits, asking=refund_asking, repeats=refund_repeats
    )
    update_refund = providers.Singleton(UpdateRefund, store=store, commits=commits, repeats=refund_repeats)
    return_refund = providers.Singleton(ReturnRefund, store=store, commits=commits)

    create_webhook_endpoint = providers.Singleton(
        CreateEndpoint, store=store, queries=queries, ids=ids, digests=digests, commits=commits
    )
    update_webhook_endpoint = providers.Singleton(UpdateEndpoint, store=store, commits=commits)
    rotate_webhook_secret = providers.Singleton(RotateSecret, store=store, digests=digests, commits=commits)
    remove_webhook_endpoint = providers.Singleton(RemoveEndpoint, store=store, commits=commits)
    give_up_webhook_endpoint = providers.Singleton(GiveUpEndpoint, store=store, commits=commits)
    resend_event = providers.Singleton(ResendEvent, store=store, queries=queries, outbox=outbox, clock=clock)

    settle_merchant = providers.Singleton(SettleMerchant, store=store, ids=ids, commits=commits)
    sweep = providers.Singleton(
        Sweep,
        store=store,
        clock=clock,
        acquirer=acquirer,
        resolve_payment=resolve_payment,
        resolve_refund=resolve_refund,
        return_refund=return_refund,
    )
