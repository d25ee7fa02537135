from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.entrypoints.http.forms import DEPTH_MAX, PAIRS_MAX, Form, FormInvalid, parse_body, parse_form

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\n\r&=%+[]"),
    max_size=20,
)
NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="[]"),
    min_size=1,
    max_size=12,
)
LEAF = TEXT | st.lists(TEXT, min_size=1, max_size=4)
TREE: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    NAME,
    st.recursive(LEAF, lambda each: st.dictionaries(NAME, each, min_size=1, max_size=3), max_leaves=6),
    max_size=5,
)


def depth(value: object) -> int:
    return (
        1 + max(map(depth, value.values()), default=0)
        if isinstance(value, dict)
        else int(isinstance(value, list))
    )


def spell(tree: dict[str, Any], escape: Any, within: str = "") -> list[str]:
    """A tree as a form, every list with ``[]``."""
    pieces = []
    for name, value in tree.items():
        path = f"{within}[{escape(name)}]" if within else escape(name)
        if isinstance(value, dict):
            pieces += spell(value, escape, path)
        elif isinstance(value, list):
            pieces += [f"{path}[]={escape(each)}" for each in value]
        else:
            pieces.append(f"{path}={escape(value)}")
    return pieces


@given(TREE.filter(lambda tree: depth(tree) <= DEPTH_MAX), st.sampled_from([quote, quote_plus]))
def test_what_is_spelt_is_read_back(tree: dict[str, Any], escape: Any) -> None:
    text = "&".join(spell(tree, escape))
    assert parse_form(text).tree == tree
    assert parse_body(text.encode()) == parse_form(text)


@given(TREE.filter(lambda tree: depth(tree) <= DEPTH_MAX))
def test_brackets_may_be_percent_encoded_as_in_query_strings(tree: dict[str, Any]) -> None:
    text = "&".join(spell(tree, lambda text: quote(text, safe="")))
    assert parse_form(text.replace("[", "%5B").replace("]", "%5D")).tree == tree


@given(
    st.binary(max_size=200)
    | st.text("a[]=&%+1é\x00\ud800", max_size=40).map(lambda t: t.encode(errors="replace"))
)
def test_garbage_is_read_or_refused_and_never_breaks(body: bytes) -> None:
    with suppress(FormInvalid):
        assert_sound(parse_body(body))


@given(st.text("a[]=&%+1é\x00\x1b\n\ud800\udfff 4D", max_size=60))
def test_a_query_with_half_characters_is_read_or_refused(query: str) -> None:
    with suppress(FormInvalid):
        assert_sound(parse_form(query))


def assert_sound(form: Form) -> None:
    """Text that can be encoded, and as many leaves as there were pairs."""

    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [leaf for each in value.values() for leaf in leaves(each)]
        return value if isinstance(value, list) else [str(value)]

    texts = leaves(form.tree)
    assert len(texts) == len(form.pairs)
    assert not any(chr(code) in text for text in texts for code in (0, 0x1B, 0x7F, 0x85, 0xD800))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("&a=1&&", {"a": "1"}),
        ("a=1+2%2B3", {"a": "1 2+3"}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("expand[]=x&expand[]=y", {"expand": ["x", "y"]}),
        ("expand[0]=x&expand[1]=y", {"expand": {"0": "x", "1": "y"}}),
        ("metadata[%5f]=%C3%A9", {"metadata": {"_": "é"}}),
        ("a=line%0Aline%09tab%0D", {"a": "line\nline\ttab\r"}),
        ("a=😀\u200d", {"a": "😀\u200d"}),
    ],
)
def test_a_form_reads_as(text: str, tree: dict[str, Any]) -> None:
    assert parse_form(text).tree == tree


@pytest.mark.parametrize(
    "text",
    [
        "a=1&a=2",
        "a=1&a[b]=2",
        "a[b]=2&a=1",
        "a[b]=1&a[b][c]=2",
        "a[]=1&a[b]=2",
        "a[b]=2&a[]=1",
        "a[]=1&a=2",
        "a[b]=1&a[b]=2",
        "a%5Bb%5D=1&a[b]=2",
        "=1",
        "[a]=1",
        "a[b=1",
        "a]b=1",
        "a[b]c=1",
        "a[[b]]=1",
        "a[][b]=1",
        "a[b]]=1",
        "a[1][2][3][4][5]=1",
        "a=%",
        "a=%4",
        "a=%GG",
        "a=%FF",
        "a=%ED%A0%80",
        "a=%00",
        "a=%1B",
        "a=%7F",
        "a=%C2%85",
        "a=\x00",
        "a=\ud800",
        "a%00=1",
        "a%0A=1",
        "a[%0A]=1",
        "a" * 257 + "=1",
        "&".join(f"a{number}=1" for number in range(PAIRS_MAX + 1)),
    ],
)
def test_what_could_be_read_in_two_ways_or_none_is_refused(text: str) -> None:
    with pytest.raises(FormInvalid):
        parse_form(text)


def test_a_body_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(FormInvalid, match="UTF-8"):
        parse_body(b"a=\xff")


def test_a_refusal_names_the_parameter_and_says_no_value() -> None:
    with pytest.raises(FormInvalid) as refused:
        parse_form("card[number]=4242424242424242&card[number]=4000000000000002")
    assert refused.value.name == "card[number]"
    assert "42" not in str(refused.value)
