"""The inventory of keys is whole, and its page says what the code says."""

import re

import click

from fintech.domain.keys.inventory import KEY_KINDS, Counted
from fintech.domain.keys.purposes import KeyPurpose
from fintech.entrypoints.cli import cli
from tests.architecture.key_inventory import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.architecture.key_inventory"


def test_every_purpose_and_everything_that_is_counted_is_in_it_once() -> None:
    assert sorted(kind.purpose for kind in KEY_KINDS if kind.purpose) == sorted(KeyPurpose)
    assert sorted(kind.counted for kind in KEY_KINDS if kind.counted) == sorted(Counted)
    names = [kind.name for kind in KEY_KINDS]
    assert len(set(names)) == len(names)


def test_no_key_is_weaker_than_it_may_be() -> None:
    """PCI DSS 3.6.1.1 and 12.3.3: 128 bits of strength at the least (NIST SP 800-57 part 1, 5.6)."""
    assert all(kind.bits >= 128 for kind in KEY_KINDS)
    assert not [kind.name for kind in KEY_KINDS if re.search(r"MD5|SHA-1\b|DES|RC4|CBC|ECB", kind.algorithm)]


def test_a_command_that_it_names_is_one() -> None:
    context = click.Context(cli)
    for kind in KEY_KINDS:
        for noun, verb in re.findall(r"`fintech ([\w-]+) ([\w-]+)`", f"{kind.replaced} {kind.kept}"):
            group = cli.get_command(context, noun)
            assert isinstance(group, click.Group)
            assert verb in group.list_commands(context)
