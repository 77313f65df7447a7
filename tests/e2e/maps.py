"""Random aws-auth maps, sound and broken, about a few callers; and access entries beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from iamrbac.mapping.objects import AccessEntry, Section
from iamrbac.model.arn import default_username
from tests.mapping.styles import Section as Text
from tests.mapping.styles import sections

_ACCOUNT = "111122223333"
_IAM = f"arn:aws:iam::{_ACCOUNT}:"
ANNA, BERT, ROLE = f"{_IAM}user/fuzz/staff/anna", f"{_IAM}user/bert", f"{_IAM}role/fuzz/robot"
STRANGER = f"{_IAM}user/stranger"
PLACEHOLDER = re.compile(r"arn:aws:iam::111122223333:role/(?:ours|theirs)-[0-9]")
_SPELLINGS = (
    ANNA,
    ANNA,
    ANNA.replace("anna", "ANNA"),
    ANNA.replace("staff/", ""),
    BERT,
    BERT,
    BERT.upper(),
    BERT.replace("user/", "user/staff/"),
    f"{_IAM}role/robot",
    f"{_IAM}role/robot",
    f"{_IAM}role/Robot",
    ROLE,
    f"arn:aws:sts::{_ACCOUNT}:assumed-role/robot/build@42",
    "arn:aws:iam::444455556666:user/bert",
    f"arn:aws-cn:iam::{_ACCOUNT}:user/bert",
    f"{_IAM}root",
    "bert",
)
_NOISE = (
    *(
        "\t",
        " ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        ",",
        ": ",
        "- ",
        "'",
        '"',
        "#",
        " #",
        "&a ",
        "*a",
        "|",
        ">-",
        "? ",
        "%",
    ),
    *("---\n", "...\n", "<<: ", "~", "null", "0", "@", "`", "\\", "\\x41", "é", "\u2028", "\x85", "\r", "\x07", "!x "),
)
_ACCOUNTS = (
    "",
    "",
    "",
    "''",
    f"- '{_ACCOUNT}'\n",
    f"- {_ACCOUNT}\n",
    "['444455556666']",
    f"[{_ACCOUNT}, {{}}]",
    _ACCOUNT,
    f"- - '{_ACCOUNT}'\n",
    f"- '{_ACCOUNT}\n",
    f"- &a '{_ACCOUNT}'\n- *a\n",
    f"['{_ACCOUNT}', ~, yes]",
    "- 1111_2222_3333\n",
    f"- ! {_ACCOUNT}\n",
    "- 012345678901\n",
)


@dataclass(frozen=True)
class Drawn:
    """An aws-auth map, without the row that says when it has arrived, and which section is sound enough to hold it."""

    data: Mapping[str, str]
    sound: Section


@st.composite
def _texts(draw: st.DrawFn, key: str) -> str:
    section: Text = draw(sections)
    named: dict[str, str] = {}
    for found in sorted(set(PLACEHOLDER.findall(section.text))):
        named[found] = draw(st.sampled_from(_SPELLINGS))
    text = PLACEHOLDER.sub(lambda match: named[match.group()], section.text)
    return text.replace("rolearn", key).replace("roleARN", key.replace("arn", "ARN"))


@st.composite
def _broken(draw: st.DrawFn, text: str) -> str:
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:place] + text[place + draw(st.integers(1, 4)) :]
            case 1:
                text = text[:place]
            case _:
                text = text[:place] + draw(st.sampled_from(_NOISE)) + text[place:]
    return text


@st.composite
def maps(draw: st.DrawFn) -> Drawn:
    """A whole map. One of mapRoles and mapUsers stays as a person with a steady hand writes it."""
    texts: dict[str, str] = {"mapRoles": draw(_texts("rolearn")), "mapUsers": draw(_texts("userarn"))}
    pairs: tuple[tuple[Section, Section], ...] = (("mapRoles", "mapUsers"), ("mapUsers", "mapRoles"))
    sound, other = draw(st.sampled_from(pairs))
    match draw(st.integers(0, 5)):
        case 0 | 1 | 2:
            texts[other] = draw(_broken(texts[other]))
        case 3:
            texts[draw(st.sampled_from((other.lower(), other.capitalize())))] = texts.pop(other)
    texts["mapAccounts"] = draw(st.sampled_from(_ACCOUNTS))
    return Drawn(texts, sound)


@st.composite
def entries(draw: st.DrawFn) -> tuple[AccessEntry, ...]:
    """Access entries for some of the callers, as EKS takes them."""
    found = []
    for arn in (ANNA, BERT, ROLE):
        if draw(st.integers(0, 3)) == 0:
            username = draw(
                st.sampled_from((default_username(arn), "entry:{{SessionName}}", "e:{{SessionNameRaw}}", "by"))
            )
            groups = draw(st.lists(st.sampled_from(("entry", "a:b", "{{AccountID}}")), max_size=2, unique=True))
            found.append(AccessEntry(arn, username, tuple(groups)))
    return tuple(found)
