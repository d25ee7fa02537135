"""``fintech keys shred`` and ``fintech keys certificate``: destroy a merchant's keys, and prove that it was done."""

from pathlib import Path

import click

from fintech.application.keys.shredding import Shredded
from fintech.domain.ids import MerchantId
from fintech.domain.keys.certificates import FILE_MAX, Certificate, read_certificate, read_file, to_sign
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    actor_of,
    actor_options,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import in_sydney, iso, print_facts, print_json
from fintech.entrypoints.cli.working import Refused, ending, granted, work
from fintech.entrypoints.container import Core
from fintech.entrypoints.key_custody import public_keys


@click.command()
@click.argument("account", type=ACCOUNT)
@click.option(
    "--confirm", type=ACCOUNT, required=True, help="The account once more: there is no way back from this."
)
@click.option(
    "--certificate",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    required=True,
    help="Where the certificate of destruction is written.",
)
@mode_option
@data_option
@actor_options(None)
@json_option
def shred(
    account: MerchantId,
    confirm: MerchantId,
    certificate: Path,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Destroy a merchant's keys in one mode, and with them all that they sealed.

    Without an order of the bank, for a merchant who has left. With one, apply the order (keys order apply). Run it again
    to finish what was ended half way, or to have the certificate of what is destroyed once more.
    """
    if account != confirm:
        raise click.BadParameter("is not the account that is to be shredded", param_hint="'--confirm'")

    async def body(core: Core) -> Shredded:
        return granted(await core.shred_ring()(actor_of(acting, why), Scope(account, livemode), None))

    done = work(data, body)
    if done.certificate is not None:
        try:
            certificate.write_text(done.certificate.file(), encoding="ascii")
        except OSError as error:
            raise click.FileError(str(certificate), str(error)) from error
    if as_json:
        told = {"ring": done.ring.id, "custody": done.ring.custody.value, "values_removed": done.removed}
        print_json({**told, "finished": done.finished})
    else:
        print_facts([("ring", done.ring.id), ("custody", done.ring.custody.value)])
    if not done.finished:
        raise Refused("the keys are destroyed, and something is still to be done: run it again")


@click.group()
def certificate() -> None:
    """Check certificates of destruction."""


@certificate.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option(
    "--notary-keys",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="KEYS",
    required=True,
    help="The notary's public keys: a JSON object of names and keys in base 64, as those of officers.",
)
@json_option
def verify(file: Path, notary_keys: Path, as_json: bool) -> None:
    """Check that a notary signed a certificate, and say what it says. It takes no data, and none of our systems."""
    with ending():
        checker = public_keys(notary_keys, "--notary-keys")
    with file.open("rb") as opened:
        outcome = read_file(opened.read(FILE_MAX + 1))
    if isinstance(outcome, Failure):
        fault = outcome.failure()
        raise Refused(f"it is no certificate: {fault.what} {fault.rule}")
    signed = outcome.unwrap()
    read = read_certificate(signed.document)
    if isinstance(read, Failure):
        fault = read.failure()
        raise Refused(f"it is no certificate: {fault.what} {fault.rule}")
    if signed.key not in checker.keys:
        raise Refused(f"no key of the notary is known by the name {signed.key!r}")
    if not checker.check(signed.key, to_sign(signed.document), signed.signature):
        raise Refused("the notary has not signed this")
    _show(read.unwrap(), signed.key, as_json=as_json)


def _show(certificate: Certificate, key: str, *, as_json: bool) -> None:
    scope = certificate.scope
    if as_json:
        print_json(
            {
                "environment": certificate.environment,
                "ring": certificate.ring,
                "merchant": scope.merchant,
                "livemode": scope.livemode,
                "keys": [f"{certificate.ring}/{each.number}" for each in certificate.keys],
                "destroyed_at": iso(certificate.destroyed_at),
                "order": certificate.order,
                "backups_until": iso(certificate.backups_until),
                "signed_by": key,
            }
        )
        return
    print_facts(
        [
            ("environment", certificate.environment),
            ("destroyed", f"keys of {scope.merchant}, {'live' if scope.livemode else 'test'} mode"),
            ("keys", ", ".join(f"{certificate.ring}/{each.number}" for each in certificate.keys)),
            ("at", in_sydney(certificate.destroyed_at)),
            ("order", "none" if certificate.order is None else str(certificate.order)),
            ("backups until", in_sydney(certificate.backups_until)),
            ("signed by", key),
        ]
    )
