"""The part of the composition that keeps keys and what is sealed with them (`container` is the whole)."""

from dependency_injector import containers, providers

from fintech.application.audit import ReadAudit, UnsealFirstKeys
from fintech.application.auditing import Audited
from fintech.application.keys.breaking_glass import BreakGlass
from fintech.application.keys.carrying_out import CarryOut
from fintech.application.keys.drill import DrillCustody
from fintech.application.keys.figures import OrderFigures
from fintech.application.keys.honeytokens import Alarm, Honeytokens, WatchedVault
from fintech.application.keys.inventory import TakeInventory
from fintech.application.keys.moving import MoveRing, MoveRings
from fintech.application.keys.needing import AskRecords
from fintech.application.keys.orders import ApplyOrder
from fintech.application.keys.permissions import AwaitPermission, WithdrawLeft
from fintech.application.keys.planting import PlantHoneytokens
from fintech.application.keys.quarantine import ListQuarantined, ReleaseQuarantined
from fintech.application.keys.resealing import Reseal
from fintech.application.keys.retention import RemoveUnneeded
from fintech.application.keys.retiring import RetireKey
from fintech.application.keys.rotation import RotateKey
from fintech.application.keys.shredding import ShredRing
from fintech.application.keys.status import ListOrders, SumUpCustody
from fintech.application.keys.sweep import KeySweep, SweepTerms
from fintech.application.keys.sweep_findings import Findings
from fintech.application.keys.tending import TendKeys
from fintech.application.protection import Protection
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.keys.periods import KeyPolicy
from fintech.ports.audit_trail import AuditFigures, AuditSink, AuditTrail, CheckpointStore
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_root import KeyRoot
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import KeyVault
from fintech.ports.keyed_digest import KeyedDigest
from fintech.ports.outbox import Outbox
from fintech.ports.protected_store import ProtectedStore
from fintech.ports.signatures import Notary, SignatureChecker
from fintech.ports.store import Store


class Custodial(containers.DeclarativeContainer):
    """What `Core` has of custody: its ports, and the use cases of the bank's word and of the life of keys.

    ``key_vault`` is below the watch for honeytokens: for what goes through all there is. Whoever seals and opens for a
    request is given ``watched_vault``.
    """

    store = providers.Dependency(instance_of=Store)
    outbox = providers.Dependency(instance_of=Outbox)
    key_table = providers.Dependency(instance_of=KeyTable)
    protected = providers.Dependency(instance_of=ProtectedStore)
    key_root = providers.Dependency(instance_of=KeyRoot)
    officers = providers.Dependency(instance_of=SignatureChecker)
    notary = providers.Dependency(instance_of=Notary)
    clock = providers.Dependency(instance_of=Clock)
    ids = providers.Dependency(instance_of=IdSource)
    digests = providers.Dependency(instance_of=KeyedDigest)
    audit = providers.Dependency(instance_of=AuditTrail)
    audit_sink = providers.Dependency(instance_of=AuditSink)
    checkpoints = providers.Dependency(instance_of=CheckpointStore)
    audit_figures = providers.Dependency(instance_of=AuditFigures)
    key_vault = providers.Dependency(instance_of=KeyVault)
    key_policy = providers.Dependency(instance_of=KeyPolicy)
    key_environment = providers.Dependency(instance_of=str)
    sweep_terms = providers.Dependency(instance_of=SweepTerms)
    alarm = providers.Dependency(instance_of=Alarm)
    reseal_touched = providers.Dependency(instance_of=ResealTouched)

    read_audit = providers.Singleton(ReadAudit, sink=audit_sink, audit=audit, clock=clock)
    unseal_first_keys = providers.Singleton(
        UnsealFirstKeys,
        sink=audit_sink,
        audit=audit,
        root=key_root,
        environment=key_environment,
        clock=clock,
    )
    honeytokens = providers.Singleton(Honeytokens, digests=digests)
    watched_vault = providers.Singleton(WatchedVault, vault=key_vault, honeytokens=honeytokens, alarm=alarm)
    protection = providers.Singleton(
        Protection, vault=watched_vault, values=protected, clock=clock, touched=reseal_touched
    )
    unwatched_protection = providers.Singleton(
        Protection, vault=key_vault, values=protected, clock=clock, touched=reseal_touched
    )
    audited = providers.Singleton(Audited, audit=audit, clock=clock)
    findings = providers.Singleton(Findings, audited=audited)
    key_sweep = providers.Singleton(
        KeySweep, root=key_root, table=key_table, findings=findings, clock=clock, terms=sweep_terms
    )
    withdraw_left = providers.Singleton(WithdrawLeft, table=key_table, root=key_root)
    shred_ring = providers.Singleton(
        ShredRing,
        table=key_table,
        vault=key_vault,
        protected=protected,
        clock=clock,
        audited=audited,
        withdraw=withdraw_left,
        notary=notary,
        policy=key_policy,
        environment=key_environment,
    )
    await_permission = providers.Singleton(AwaitPermission, root=key_root)
    rotate_key = providers.Singleton(
        RotateKey,
        table=key_table,
        root=key_root,
        clock=clock,
        audited=audited,
        await_permission=await_permission,
        withdraw=withdraw_left,
        environment=key_environment,
    )
    reseal = providers.Singleton(Reseal, vault=key_vault, protected=protected, clock=clock, audited=audited)
    list_quarantined = providers.Singleton(ListQuarantined, protected=protected)
    release_quarantined = providers.Singleton(
        ReleaseQuarantined, vault=key_vault, protected=protected, audited=audited
    )
    retire_key = providers.Singleton(
        RetireKey,
        table=key_table,
        protected=protected,
        clock=clock,
        audited=audited,
        withdraw=withdraw_left,
        policy=key_policy,
    )
    move_ring = providers.Singleton(
        MoveRing,
        table=key_table,
        root=key_root,
        audited=audited,
        await_permission=await_permission,
        withdraw=withdraw_left,
        environment=key_environment,
    )
    move_rings = providers.Singleton(MoveRings, table=key_table, move_ring=move_ring)
    order_figures = providers.Singleton(OrderFigures)
    carry_out = providers.Singleton(
        CarryOut,
        table=key_table,
        audited=audited,
        clock=clock,
        figures=order_figures,
        checker=officers,
        environment=key_environment,
    )
    apply_order = providers.Singleton(
        ApplyOrder,
        table=key_table,
        store=store,
        ids=ids,
        clock=clock,
        carry_out=carry_out,
        shred=shred_ring,
        outbox=outbox,
    )
    break_glass = providers.Singleton(BreakGlass, table=key_table, carry_out=carry_out)
    drill_custody = providers.Singleton(
        DrillCustody,
        vault=key_vault,
        table=key_table,
        clock=clock,
        apply_order=apply_order,
        environment=key_environment,
    )
    list_orders = providers.Singleton(ListOrders, table=key_table, checker=officers)
    sum_up_custody = providers.Singleton(SumUpCustody, table=key_table, clock=clock, policy=key_policy)
    take_inventory = providers.Singleton(TakeInventory, table=key_table, clock=clock, policy=key_policy)
    plant_honeytokens = providers.Singleton(
        PlantHoneytokens,
        protection=unwatched_protection,
        ids=ids,
        honeytokens=honeytokens,
        audited=audited,
    )
    ask_records = providers.Singleton(AskRecords, store=store, policy=key_policy)
    remove_unneeded = providers.Singleton(
        RemoveUnneeded,
        table=key_table,
        protected=protected,
        clock=clock,
        audited=audited,
        ask=ask_records,
        honeytokens=honeytokens,
        policy=key_policy,
    )
    tend_keys = providers.Singleton(
        TendKeys,
        table=key_table,
        protected=protected,
        clock=clock,
        policy=key_policy,
        rotate=rotate_key,
        reseal=reseal,
        retire=retire_key,
        shred=shred_ring,
        withdraw=withdraw_left,
    )
