"""The reader of the AWS files reads what botocore reads, or leaves the file to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from botocore.configloader import load_config, raw_config_parse
from botocore.exceptions import ConfigParseError
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.token.ini import Files, OddError, parse

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "200"))
PIECES = [
    *["[default]", "[profile a]", '[profile "b c"]', "[profile  d]", "[a] x]", "[]", "[", "[sso-session s]", "[x]"],
    *[
        "[profile 'e']",
        "[profile f g]",
        "[profile \\h]",
        "[profilei j]",
        "[ profile k]",
        "[profile\tl]",
        '[profile ""]',
    ],
    *["key = value", "Key=other", "k2: v = 1", "k3 =", "  nested = 1", "\tnested", "    deeper = 2", " = x", "bare"],
    *[
        "# note",
        "; note",
        "  # indented",
        "",
        "   ",
        "k4 = a # b",
        "[DEFAULT]",
        "k é = ü",
        "k5\u2028x = y",
        "\x1c",
        "\r",
    ],
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ini") / "config"


@settings(max_examples=EXAMPLES, deadline=None)
@given(lines=st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12))
def test_any_text(lines: list[str], file: Path) -> None:
    file.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    environ = {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    try:
        ours = Files(environ)
    except OddError:
        return
    raw = raw_config_parse(str(file))
    assert parse(ours.text[0]) == _flat(raw)
    theirs = load_config(str(file))
    assert ours.config == _flat(theirs["profiles"])
    assert ours.sso_sessions == _flat(theirs["sso_sessions"])


def _flat(sections: dict[str, dict[str, object]]) -> dict[str, dict[str, str]]:
    """botocore's sections, with a nested one as the text that it was (ours are compared by their settings)."""
    flat: dict[str, dict[str, str]] = {}
    for header, values in sections.items():
        flat[header] = {name: value if isinstance(value, str) else _Nested() for name, value in values.items()}
    return flat


class _Nested(str):
    """Equal to any text of several lines."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith("\n")


@pytest.mark.parametrize(
    "text",
    ["[a]\n[a]\n", "[a]\nk=1\nK=2\n", "k=1\n", "[a]\nbare\n", "[a]\n=1\n", "[a]\ns3 =\n  bare\n", "[DEFAULT]\nk=1\n"],
)
def test_what_is_refused_or_odd_is_left_to_botocore(text: str, tmp_path: Path) -> None:
    with pytest.raises(OddError):
        parse(text)
    (tmp_path / "config").write_text(text)
    if "DEFAULT" not in text:
        with pytest.raises(ConfigParseError):
            load_config(str(tmp_path / "config"))


def test_the_credentials_file_wins_and_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile a]\nrole_arn = one\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text("[a]\nrole_arn = two\n")
    files = Files(
        {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    )
    assert files.profiles == {"a": {"role_arn": "two", "region": "eu-west-1"}}
    assert files.config == {"a": {"role_arn": "one", "region": "eu-west-1"}}
    assert Files({"AWS_CONFIG_FILE": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": ""}).profiles == {}


def test_bytes_that_are_no_text_are_left_to_botocore(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"[a]\nk=\xff\n")
    with pytest.raises(OddError):
        Files({"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": ""})
