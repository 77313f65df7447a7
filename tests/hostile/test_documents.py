"""Documents that are written to keep the check busy, to be read in two ways, or to run something."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import CONFIG, Checkout

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: *a{n - 1}}}\n" for n in range(1, 40)
)
DOCUMENTS = {
    "bomb": (BOMB, "DOC009", "the file holds more than 100,000 values"),
    "merges": (MERGES, "DOC009", ""),
    "deep lists": ("[" * 300_000, "DOC009", "nested deeper than 40 levels"),
    "deep mappings": ("{a: " * 200_000, "DOC009", "nested deeper than 40 levels"),
    "deep blocks": ("".join(f"{' ' * n}a:\n" for n in range(900)), "DOC009", "nested deeper than 40 levels"),
    "deep keys": ("? " * 300_000, "DOC009", "nested deeper than 40 levels"),
    "many documents": ("---\na: 1\n" * 50_000, "DOC004", "a second document begins here"),
    "many keys": ("".join(f"k{n}: 1\n" for n in range(60_000)), "DOC009", "more than 100,000 values"),
    "same key": ("k: 1\n" * 60_000, "DOC012", "the file is not read any further"),
    "endless scalar": ('a: "' + "x" * 900_000, "DOC003", "close the quote"),
    "endless anchor": ("a: &" + "x" * 900_000 + " 1\n", "", ""),
    "python": ("!!python/object/apply:os.system ['touch hit']", "DOC008", "the tag !!python/object/apply:os.system"),
    "python module": ("a: !!python/module:os ", "DOC008", ""),
    "python name": ("a: !!python/name:os.system ", "DOC008", ""),
    "custom tag": ("a: !include ../../outside/secret.yaml", "DOC008", "the tag !include means nothing here"),
    "itself": ("a: &a {b: *a}", "DOC011", "stands inside what it stands for"),
    "sixty": ("a: 190:20:30\n", "DOC007", "another number or a text to others"),
    "nul": ("a: b\x00\n", "DOC002", ""),
    "two keys": ("kind: Config\nkind: AccessPolicy\n", "DOC005", "for the second time"),
}


@pytest.mark.parametrize("place", ["policies/more.yaml", "tests/access/more.yaml", "waivers.yaml", "iamrbac.yaml"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_a_located_finding(name: str, place: str, checkout: Checkout) -> None:
    text, id_, words = DOCUMENTS[name]
    checkout.write(place, text)
    said = checkout.refused()
    (first, *_) = [line for line in said.splitlines() if id_ in line and line.startswith(f"{place}:")]
    assert words in said
    assert first.removeprefix(f"{place}:")[0].isdigit(), first
    assert max(map(len, said.splitlines())) < 600
    assert not list(checkout.root.rglob("hit"))


def test_owners_that_are_written_to_be_slow_end(checkout: Checkout) -> None:
    """Whether two patterns have a name in common is exponential in the worst case, so it is given up, as a refusal."""
    slow = [f"*{'?' * (n % 7)}{letter}*{'?' * n}*" for n, letter in enumerate("abcdefghijklmnopqrst" * 4)]
    rules = "".join(f'  - {{name: "{pattern}", owner: other}}\n' for pattern in dict.fromkeys(slow))
    checkout.write("iamrbac.yaml", f"{CONFIG}namespaces:\n{rules}")
    checkout.policy(**{"[payments], role": '["*a?b*c?d*e*f*g?h*"], role'})
    assert checkout.check()[0] == 3


def test_a_mistake_a_thousand_times_is_cut_short(checkout: Checkout) -> None:
    members = "".join(f"    s{n}: [{{iamGruop: x}}]\n" for n in range(5_000))
    checkout.policy(**{"  members: {developers: [{iamGroup: payments-developers}]}\n": f"  members:\n{members}"})
    said = checkout.refused()
    assert len(said.splitlines()) < 300
    assert "more faults in this file" in said
