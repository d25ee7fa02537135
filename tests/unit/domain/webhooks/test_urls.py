"""What may be the URL of an endpoint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.webhooks.urls import UrlFault, may_use, url_fault

FINE = [
    "https://example.com",
    "https://example.com/hooks?shop=7",
    "https://EXAMPLE.com:8443/",
    "https://hooks.example.com.:443/x",
    "https://xn--bcher-kva.example/",
    "https://93.184.215.14/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "https://a1.b2-c3.example:65535/",
]
HERE = [
    "http://localhost:3000/hooks",
    "https://localhost:3000/hooks",
    "http://127.0.0.1:8000/",
    "http://127.9.9.9/",
    "http://[::1]:8000/",
    "http://shop.localhost/",
    "http://LOCALHOST./",
]
WRONG = [
    ("https://example.com/" + "x" * 2_048, UrlFault.TOO_LONG),
    ("", UrlFault.NOT_A_URL),
    ("example.com", UrlFault.NOT_A_URL),
    ("ftp://example.com", UrlFault.NOT_A_URL),
    ("file:///etc/passwd", UrlFault.NOT_A_URL),
    ("javascript:alert(1)", UrlFault.NOT_A_URL),
    ("https://exa mple.com", UrlFault.NOT_A_URL),
    ("https://example.com/\r\nX: y", UrlFault.NOT_A_URL),
    ("https://bücher.example", UrlFault.NOT_A_URL),
    ("https://example.com\\@10.0.0.1/", UrlFault.NOT_A_URL),
    ("https://example.com:99999", UrlFault.NOT_A_URL),
    ("https://[::1", UrlFault.NOT_A_URL),
    ("http://example.com", UrlFault.NOT_HTTPS),
    ("https://user:word@example.com", UrlFault.CREDENTIALS),
    ("https://user@example.com", UrlFault.CREDENTIALS),
    ("https://@example.com", UrlFault.CREDENTIALS),
    ("https://example.com/#top", UrlFault.FRAGMENT),
    ("https://example.com/#", UrlFault.FRAGMENT),
    ("https://", UrlFault.HOST),
    ("https:///hooks", UrlFault.HOST),
    ("https://example..com", UrlFault.HOST),
    ("https://-example.com", UrlFault.HOST),
    ("https://exa_mple.com", UrlFault.HOST),
    ("https://" + "a" * 64 + ".com", UrlFault.HOST),
    ("https://2130706433/", UrlFault.HOST),
    ("https://0x7f000001/", UrlFault.HOST),
    ("https://0177.0.0.1/", UrlFault.HOST),
    ("https://127.1/", UrlFault.HOST),
    ("https://0x7f.1/", UrlFault.HOST),
    ("https://example.123/", UrlFault.HOST),
    ("https://[fe80::1%25eth0]/", UrlFault.HOST),
    ("https://[v1.fe]/", UrlFault.HOST),
    ("https://10.0.0.1/", UrlFault.NOT_PUBLIC),
    ("https://169.254.169.254/latest/meta-data", UrlFault.NOT_PUBLIC),
    ("https://[::ffff:10.0.0.1]/", UrlFault.NOT_PUBLIC),
    ("https://[fd00::1]/", UrlFault.NOT_PUBLIC),
    ("https://0.0.0.0/", UrlFault.NOT_PUBLIC),
    ("https://example.com:22", UrlFault.PORT),
    ("https://example.com:0", UrlFault.PORT),
    ("https://example.com:1023", UrlFault.PORT),
]


@pytest.mark.parametrize("url", FINE)
@pytest.mark.parametrize("livemode", [False, True])
def test_a_public_https_url_is_fine(url: str, livemode: bool) -> None:
    assert url_fault(url, livemode=livemode) is None


@pytest.mark.parametrize("url", HERE)
def test_this_machine_is_for_test_mode(url: str) -> None:
    assert url_fault(url, livemode=False) is None
    assert url_fault(url, livemode=True) is UrlFault.NOT_PUBLIC


@pytest.mark.parametrize(("url", "fault"), WRONG)
@pytest.mark.parametrize("livemode", [False, True])
def test_what_is_wrong_is_named(url: str, fault: UrlFault, livemode: bool) -> None:
    assert url_fault(url, livemode=livemode) is fault


def test_a_port_of_the_system_is_not_fine_on_this_machine_either() -> None:
    assert url_fault("http://127.0.0.1:22/", livemode=False) is UrlFault.PORT


@given(
    st.text(max_size=80)
    | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80).map("https://".__add__)
)
def test_whatever_is_said_there_is_an_answer(text: str) -> None:
    fault = url_fault(text, livemode=True)
    if fault is None:
        assert text.lower().startswith("https://")
        assert text.isascii()
        assert "@" not in text.partition("//")[2].partition("/")[0].partition("?")[0]


@given(st.integers(0, 65_535))
def test_ports(port: int) -> None:
    assert may_use(port) == (port in (80, 443) or port >= 1024)
