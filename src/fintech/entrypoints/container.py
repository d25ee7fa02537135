"""The composition of the core: ports are holes, use cases plug into them. A profile fills the holes."""

from dependency_injector import providers

from fintech.application.api_keys import Authenticate, CreateApiKey, EndApiKey, RollApiKey
from fintech.application.balance_settings import ChangeBalanceSettings, ChangeInstantPolicy
from fintech.application.bank_accounts import (
    AddBankAccount,
    OpenAccount,
    ReadHolders,
    RemoveBankAccount,
    UpdateBankAccount,
)
from fintech.application.commits import Commits
from fintech.application.disputes.asking import DisputeAsking
from fintech.application.disputes.evidence import KeepEvidence
from fintech.application.disputes.requests import CloseDispute, DisputeRepeats, UpdateDispute
from fintech.application.disputes.resolving import HeedDispute, ResolveDispute
from fintech.application.fingerprints import Fingerprints
from fintech.application.merchants import OnboardMerchant, PlaceMerchant
from fintech.application.payment_methods import (
    CreatePaymentMethod,
    FindMethod,
    LookUpMethods,
    ReadBilling,
)
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
from fintech.application.payouts.asking import PayoutAsking
from fintech.application.payouts.creating import CreatePayout
from fintech.application.payouts.remitting import RemitLines
from fintech.application.payouts.repeats import PayoutRepeats
from fintech.application.payouts.requests import CancelPayout, ReversePayout, UpdatePayout
from fintech.application.payouts.resolving import HeedPayoutNotice, ResolvePayout
from fintech.application.payouts.schedule import PayOnSchedule
from fintech.application.refunds.asking import RefundAsking
from fintech.application.refunds.repeats import RefundRepeats
from fintech.application.refunds.requests import CreateRefund, UpdateRefund
from fintech.application.refunds.resolving import ResolveRefund, ReturnRefund
from fintech.application.reveal import RevealCard
from fintech.application.settlement import SettleEverybody, SettleInFull, SettleMerchant
from fintech.application.statements import ListPeriods, MakeStatement, OpenStatement
from fintech.application.sweep import Sweep
from fintech.application.tax_invoices import MakeTaxInvoice
from fintech.application.terminals.advices import TakeAdvice
from fintech.application.terminals.locations import CreateLocation, RemoveLocation, UpdateLocation
from fintech.application.terminals.purchases import TakePurchase
from fintech.application.terminals.recognising import RecogniseTerminal
from fintech.application.terminals.refunds import RefundPurchase
from fintech.application.terminals.reversals import ReverseTransaction
from fintech.application.terminals.terminals import (
    PlaceTerminal,
    RegisterTerminal,
    SignOnTerminal,
    UpdateTerminal,
)
from fintech.application.webhooks.deliveries import GiveUpEndpoint, ResendEvent
from fintech.application.webhooks.endpoints import (
    CreateEndpoint,
    GiveSecret,
    RemoveEndpoint,
    RotateSecret,
    UpdateEndpoint,
)
from fintech.application.webhooks.secrets import WebhookSecrets
from fintech.application.write_offs import DecideWriteOff, ProposeWriteOff
from fintech.domain.tax_invoices import Supplier
from fintech.entrypoints.custodial import Custodial
from fintech.ports.card_acquirer import CardAcquirer
from fintech.ports.card_directory import CardDirectory
from fintech.ports.payout_bank import PayoutBank
from fintech.ports.proofs import Proofs
from fintech.ports.queries import Queries
from fintech.ports.webhook_sender import WebhookSender


class Core(Custodial):
    """Call a member to get it: ``core.create_payment()`` is the use case, ready to be awaited."""

    store, clock, ids = Custodial.store, Custodial.clock, Custodial.ids
    outbox = Custodial.outbox
    digests, audit, protection = Custodial.digests, Custodial.audit, Custodial.protection
    audited = Custodial.audited
    queries = providers.Dependency(instance_of=Queries)
    proofs = providers.Dependency(instance_of=Proofs)
    acquirer = providers.Dependency(instance_of=CardAcquirer)
    bank = providers.Dependency(instance_of=PayoutBank)
    cards = providers.Dependency(instance_of=CardDirectory)
    webhook_sender = providers.Dependency(instance_of=WebhookSender)
    supplier = providers.Dependency(instance_of=Supplier)

    commits = providers.Singleton(Commits, store=store, ids=ids, clock=clock)
    asking = providers.Singleton(
        Asking, store=store, acquirer=acquirer, commits=commits, policy=Custodial.key_policy
    )
    resolve_payment = providers.Singleton(
        ResolvePayment, store=store, acquirer=acquirer, commits=commits, asking=asking
    )
    repeats = providers.Singleton(Repeats, commits=commits, resolve=resolve_payment)

    onboard_merchant = providers.Singleton(OnboardMerchant, store=store, commits=commits)
    place_merchant = providers.Singleton(PlaceMerchant, store=store, commits=commits, audited=audited)
    create_api_key = providers.Singleton(
        CreateApiKey, store=store, ids=ids, digests=digests, commits=commits, audited=audited
    )
    roll_api_key = providers.Singleton(
        RollApiKey, store=store, ids=ids, digests=digests, commits=commits, audited=audited
    )
    end_api_key = providers.Singleton(EndApiKey, store=store, commits=commits, audited=audited)
    authenticate = providers.Singleton(Authenticate, store=store, digests=digests, clock=clock)

    fingerprints = providers.Singleton(Fingerprints, store=store, protection=protection)
    create_payment_method = providers.Singleton(
        CreatePaymentMethod,
        ids=ids,
        cards=cards,
        protection=protection,
        fingerprints=fingerprints,
        audited=audited,
        commits=commits,
    )
    reveal_card = providers.Singleton(
        RevealCard, store=store, protection=protection, audited=audited, policy=Custodial.key_policy
    )
    find_method = providers.Singleton(FindMethod, store=store, cards=cards)
    read_billing = providers.Singleton(ReadBilling, protection=protection)
    look_up_methods = providers.Singleton(LookUpMethods, store=store, protection=protection)
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

    keep_evidence = providers.Singleton(KeepEvidence, store=store, protection=protection)
    dispute_asking = providers.Singleton(DisputeAsking, store=store, acquirer=acquirer, commits=commits)
    resolve_dispute = providers.Singleton(
        ResolveDispute, store=store, commits=commits, evidence=keep_evidence, asking=dispute_asking
    )
    heed_dispute = providers.Singleton(HeedDispute, store=store, ids=ids, commits=commits)
    dispute_repeats = providers.Singleton(DisputeRepeats, commits=commits, resolve=resolve_dispute)
    update_dispute = providers.Singleton(
        UpdateDispute,
        store=store,
        commits=commits,
        evidence=keep_evidence,
        asking=dispute_asking,
        repeats=dispute_repeats,
    )
    close_dispute = providers.Singleton(
        CloseDispute, store=store, commits=commits, asking=dispute_asking, repeats=dispute_repeats
    )
    propose_write_off = providers.Singleton(ProposeWriteOff, store=store, ids=ids, commits=commits)
    decide_write_off = providers.Singleton(DecideWriteOff, store=store, commits=commits)
    create_location = providers.Singleton(CreateLocation, store=store, ids=ids, commits=commits)
    update_location = providers.Singleton(UpdateLocation, store=store, commits=commits)
    remove_location = providers.Singleton(RemoveLocation, store=store, commits=commits)
    register_terminal = providers.Singleton(RegisterTerminal, store=store, ids=ids, commits=commits)
    update_terminal = providers.Singleton(UpdateTerminal, store=store, commits=commits)
    place_terminal = providers.Singleton(PlaceTerminal, store=store, commits=commits)
    sign_on_terminal = providers.Singleton(SignOnTerminal, store=store, commits=commits)
    recognise_terminal = providers.Singleton(RecogniseTerminal, store=store, clock=clock)
    reverse_transaction = providers.Singleton(ReverseTransaction, store=store, ids=ids, commits=commits)
    take_purchase = providers.Singleton(
        TakePurchase,
        store=store,
        ids=ids,
        cards=cards,
        protection=protection,
        fingerprints=fingerprints,
        commits=commits,
        create_payment=create_payment,
        reverse=reverse_transaction,
    )
    take_advice = providers.Singleton(
        TakeAdvice,
        store=store,
        ids=ids,
        cards=cards,
        protection=protection,
        fingerprints=fingerprints,
        commits=commits,
        asking=asking,
    )
    refund_purchase = providers.Singleton(RefundPurchase, store=store, create_refund=create_refund)
    change_balance_settings = providers.Singleton(ChangeBalanceSettings, store=store, commits=commits)
    change_instant_policy = providers.Singleton(ChangeInstantPolicy, store=store, commits=commits)
    add_bank_account = providers.Singleton(
        AddBankAccount,
        store=store,
        queries=queries,
        ids=ids,
        protection=protection,
        fingerprints=fingerprints,
        commits=commits,
    )
    read_holders = providers.Singleton(ReadHolders, protection=protection)
    open_account = providers.Singleton(OpenAccount, protection=protection)
    update_bank_account = providers.Singleton(UpdateBankAccount, store=store, commits=commits)
    remove_bank_account = providers.Singleton(RemoveBankAccount, store=store, commits=commits)

    payout_asking = providers.Singleton(
        PayoutAsking, store=store, bank=bank, open_account=open_account, commits=commits
    )
    resolve_payout = providers.Singleton(
        ResolvePayout, store=store, bank=bank, commits=commits, asking=payout_asking
    )
    payout_repeats = providers.Singleton(PayoutRepeats, commits=commits, resolve=resolve_payout)
    remit_lines = providers.Singleton(RemitLines, store=store, queries=queries)
    create_payout = providers.Singleton(
        CreatePayout,
        store=store,
        ids=ids,
        bank=bank,
        commits=commits,
        remit=remit_lines,
        asking=payout_asking,
        repeats=payout_repeats,
    )
    update_payout = providers.Singleton(UpdatePayout, store=store, commits=commits, repeats=payout_repeats)
    cancel_payout = providers.Singleton(CancelPayout, asking=payout_asking, repeats=payout_repeats)
    reverse_payout = providers.Singleton(
        ReversePayout, store=store, ids=ids, commits=commits, asking=payout_asking, repeats=payout_repeats
    )
    heed_payout_notice = providers.Singleton(HeedPayoutNotice, asking=payout_asking)
    pay_on_schedule = providers.Singleton(PayOnSchedule, store=store, commits=commits, create=create_payout)
    open_statement = providers.Singleton(OpenStatement, store=store, queries=queries, clock=clock)
    make_statement = providers.Singleton(MakeStatement, open_statement=open_statement)
    list_periods = providers.Singleton(ListPeriods, store=store, clock=clock)
    make_tax_invoice = providers.Singleton(
        MakeTaxInvoice, store=store, queries=queries, clock=clock, supplier=supplier
    )
    webhook_secrets = providers.Singleton(WebhookSecrets, protection=protection)
    give_secret = providers.Singleton(GiveSecret, store=store, secrets=webhook_secrets, commits=commits)
    create_webhook_endpoint = providers.Singleton(
        CreateEndpoint, store=store, queries=queries, ids=ids, give_secret=give_secret
    )
    update_webhook_endpoint = providers.Singleton(UpdateEndpoint, store=store, commits=commits)
    rotate_webhook_secret = providers.Singleton(RotateSecret, store=store, give_secret=give_secret)
    remove_webhook_endpoint = providers.Singleton(RemoveEndpoint, store=store, commits=commits)
    give_up_webhook_endpoint = providers.Singleton(GiveUpEndpoint, store=store, commits=commits)
    resend_event = providers.Singleton(ResendEvent, store=store, queries=queries, outbox=outbox, clock=clock)

    settle_merchant = providers.Singleton(SettleMerchant, store=store, ids=ids, commits=commits)
    settle_in_full = providers.Singleton(SettleInFull, settle_merchant=settle_merchant)
    settle_everybody = providers.Singleton(SettleEverybody, queries=queries, settle_in_full=settle_in_full)
    sweep = providers.Singleton(
        Sweep,
        store=store,
        clock=clock,
        acquirer=acquirer,
        resolve_payment=resolve_payment,
        resolve_refund=resolve_refund,
        return_refund=return_refund,
        bank=bank,
        resolve_payout=resolve_payout,
        heed_payout_notice=heed_payout_notice,
        pay_on_schedule=pay_on_schedule,
        resolve_dispute=resolve_dispute,
        heed_dispute=heed_dispute,
    )
