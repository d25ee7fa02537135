"""Where to listen, and what a service does when it cannot."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from fintech.entrypoints import profiles
from fintech.entrypoints.cli import cli
from fintech.entrypoints.serving import Address, CannotServe, Service, serve
from fintech.entrypoints.settings import Settings


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:0", "::1", 0), ("localhost:65535", "localhost", 65535)],
)
def test_an_address_is_read_and_spelt(text: str, host: str, port: int) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, str(address)) == (host, port, text)


@pytest.mark.parametrize(
    "text",
    ["8080", "localhost", "::1:8080", "[::1:8080", "127.0.0.1:http", "127.0.0.1:65536", "h:-1", ":80", "h:٣"],
)
def test_an_address_that_is_none_is_wrong_usage(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|0 to 65535"):
        Address.parse(text)
    result = CliRunner().invoke(cli, ["serve", "--data", str(tmp_path / "never"), "--http", text])
    assert result.exit_code == 2
    assert "'--http'" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_where_nobody_can_listen_nothing_is_started(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(host, taken.getsockname()[1])
        core = profiles.in_memory()
        with pytest.raises(CannotServe, match=f"^cannot listen on {address}: "):
            serve(Service(core=core, settings=Settings(), address=address))
