"""Label selectors, from text to what they mean."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.rbac.aggregate import selects
from iamrbac.rbac.objects import Requirement
from iamrbac.sandbox.kube.selectors import parse_labels, selected_name

KEYS = st.sampled_from(["a", "b", "example.com/c"])
VALUES = st.sampled_from(["", "x", "y", "z-1"])
TERMS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from(["In", "NotIn"]), st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.builds(Requirement, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
)


def text(term: Requirement) -> str:
    """A term as a query parameter says it."""
    match term.operator:
        case "In":
            return f"{term.key} in ({','.join(term.values)})"
        case "NotIn":
            return f"{term.key} notin ({', '.join(term.values)})"
        case "Exists":
            return term.key
        case "DoesNotExist":
            return f"!{term.key}"


def holds(term: Requirement, labels: dict[str, str]) -> bool:
    """What a term means, told without the code under test."""
    there = term.key in labels
    return {
        "In": there and labels[term.key] in term.values if there else False,
        "NotIn": not there or labels[term.key] not in term.values,
        "Exists": there,
        "DoesNotExist": not there,
    }[term.operator]


@given(st.lists(TERMS, max_size=4), st.dictionaries(KEYS, VALUES))
def test_a_selector_means_what_it_says(terms: list[Requirement], labels: dict[str, str]) -> None:
    selector = parse_labels(",".join(text(term) for term in terms))
    assert selects(selector, labels) == all(holds(term, labels) for term in terms)


@given(KEYS, VALUES)
def test_equality(key: str, value: str) -> None:
    assert parse_labels(f"{key}={value}") == parse_labels(f"{key}=={value}") == parse_labels(f"{key} in ({value})")
    assert parse_labels(f"{key}!={value}") == parse_labels(f"{key} notin ({value})")


def test_the_one_name_of_a_field_selector() -> None:
    assert selected_name("metadata.name=a") == "a"
    assert selected_name("metadata.name==a,metadata.namespace=b") == "a"
    assert selected_name("metadata.namespace=b,metadata.name=a") == "a"
    assert [selected_name(text) for text in ("", "metadata.name!=a", "metadata.namespace=a", "metadata.name=")] == [
        ""
    ] * 4
