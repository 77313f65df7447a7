"""Where values stand: the value, its key where the value is a block below, the nearest parent of what is missing."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.documents.spots import Spot, find, position, spots
from iamrbac.model.origin import KeyAt, Path

TEXT = """\
# a comment
spec:
  members:
    developers:
      - iamGroup: payments
      - {iamRole: ci/x, account: 012}
  access: &lines
    - clusters: [a, "b"]
      role: no
    - <<: {role: viewer, scope: cluster}
      role: x
again: *lines
"""


def at(path: Path) -> tuple[int, int]:
    root = spots(TEXT.encode())
    assert root is not None
    return position(root, path)


def test_values_and_items() -> None:
    assert at(("spec", "members", "developers", 0, "iamGroup")) == (5, 19)
    assert at(("spec", "members", "developers", 1)) == (6, 9)
    assert at(("spec", "members", "developers", 1, "account")) == (6, 34)
    assert at(("spec", "access", 0, "clusters", 1)) == (8, 21)
    assert at(("spec", "access", 0)) == (8, 7)


def test_a_block_below_its_key_is_shown_at_the_key() -> None:
    assert at(("spec", "members")) == (3, 3)
    assert at(("spec",)) == (2, 1)


def test_a_key_itself() -> None:
    assert at(("spec", "members", "developers", 1, KeyAt("account"))) == (6, 25)
    assert at((KeyAt("again"),)) == (12, 1)


def test_what_is_missing_is_shown_at_its_nearest_parent() -> None:
    assert at(("spec", "access", 0, "namespaces")) == (8, 7)
    assert at(("spec", "members", 7)) == (3, 3)
    assert at(("spec", "access", 0, KeyAt("namespaces"))) == (8, 7)
    assert at(("nothing", "here")) == (2, 1)
    assert at(()) == (2, 1)


def test_what_a_merge_or_an_alias_brings() -> None:
    assert at(("spec", "access", 1, "scope")) == (10, 33)
    assert at(("spec", "access", 1, "role")) == (11, 13)
    assert at(("again",)) == (12, 8)
    assert at(("again", 0, "role")) == (9, 13)


def test_scalars_are_as_written() -> None:
    root = spots(TEXT.encode())
    assert root is not None
    assert find(root, ("spec", "access", 0, "role"))[0].text == "no"
    assert find(root, ("spec", "members", "developers", 1, "account"))[0].text == "012"
    assert find(root, ("spec",))[0].text is None


keys = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
values = st.recursive(
    keys, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=15
)


def _leaves(value: object, spot: Spot, path: Path) -> list[tuple[Path, object]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, spot, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in _leaves(inner, spot, (*path, index))]
    return [(path, value)]


@given(values, st.booleans())
def test_at_every_leafs_place_the_text_has_it(value: object, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow)
    root = spots(text.encode())
    assert root is not None
    lines = text.splitlines()
    for path, leaf in _leaves(value, root, ()):
        line, column = position(root, path)
        assert yaml.safe_load(f"[{lines[line - 1][column - 1 :].split(',')[0].split(']')[0].split('}')[0]}]") == [leaf]


@given(st.binary(max_size=100))
def test_broken_text_has_places_as_far_as_it_goes(data: bytes) -> None:
    root = spots(data)
    assert root is None or position(root, ("a", 0)) >= (1, 1)
