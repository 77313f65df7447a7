"""What others said, as it may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.git.delivery.faults import essence
from iamrbac.git.delivery.words import shown, without_secrets

_SECRET = st.text(
    st.characters(codec="ascii", categories=("L", "N"), include_characters="_-.~!$&()*+,;=:%"), min_size=4
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://me:pw@host/x", "https://***@host/x"),
        ("https://ghp_token@host/x", "https://***@host/x"),
        ("HTTPS://me:pw@host", "HTTPS://***@host"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:pw@host/x", "ssh://git:***@host/x"),
        ("git@host:a/b", "git@host:a/b"),
        ("https://host/a@b", "https://host/a@b"),
        ("'https://host/x?private_token=abc&b=c'", "'https://host/x?private_token=***&b=c'"),
        ("two https://a:b@c and http://d:e@f", "two https://***@c and http://***@f"),
    ],
)
def test_credentials_are_taken_out_and_nothing_else(text: str, wanted: str) -> None:
    assert without_secrets(text, {}) == wanted


@given(_SECRET)
def test_no_password_of_a_url_is_shown(secret: str) -> None:
    for scheme in ("https", "http", "ssh", "ftp"):
        said = without_secrets(f"fatal: unable to access '{scheme}://user:{secret}@git.example.com/x.git/': no", {})
        assert f":{secret}@" not in said
        assert "@git.example.com/x.git/': no" in said


def test_tokens_of_the_environment_are_taken_out_wherever_they_are() -> None:
    environment = {"GH_TOKEN": "0123456789", "GITLAB_TOKEN": "abc"}
    assert without_secrets("Authorization: Bearer 0123456789 abc", environment) == "Authorization: Bearer *** abc"


def test_long_and_loud_words_become_one_line() -> None:
    assert shown("\x1b[31mred\x1b[0m.\r\n\n\tnext;\x07\u202e") == "red; next"
    assert shown("\n".join(map(str, range(100)))) == "0; 1; 2; 3; 4; …; 99"
    assert len(shown("x" * 10_000)) == 600


def test_the_lines_that_matter() -> None:
    said = "Cloning\nremote: \nremote: denied by policy\nfatal: unable to access\nhint: try\n"
    assert essence(said) == "denied by policy; unable to access"
    assert essence("something\nelse\nhappened") == "else; happened"
    assert essence("") == ""
