from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile import names

LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def test_names_are_the_agreed_ones() -> None:
    assert names.group_name("acme", "payments", "developers") == "iamrbac:acme:payments:developers"
    assert names.temporary_set("inc-4211") == "temporary.inc-4211"
    assert names.rows_annotation("acme") == "rows.iamrbac.dev/acme"
    assert names.entry_tags("acme") == {"iamrbac.dev/instance": "acme"}
    assert names.access_policy_arn("aws-cn", "AmazonEKSViewPolicy") == (
        "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    )
    # printf %s iamrbac-acme.iamrbac-system.ConfigMap. | openssl sha256 -binary | basenc --base64url | tr -d =
    assert names.applyset_id("acme", "iamrbac-system") == "applyset-Ia1lCaNP8z0yRtCgtBuZt9jKbSqdrFmTn8cuiU-EQt0-v1"
    # printf 'acme\0template\0developer\0{}' | sha256sum
    identity = names.template_identity("developer", "{}")
    assert names.object_name("acme", "payments", "developers", "developer", identity) == (
        "iamrbac-payments-developers-developer-72938747"
    )


def test_labels_fit_kubernetes_at_the_longest_names() -> None:
    label, grant = "a" * 40, names.temporary_set("b" * 40)
    made = names.labels(label, "h" * 63, label, grant, "r" * 63)
    assert all(len(value) <= 63 and LABEL_VALUE.fullmatch(value) for value in made.values())
    assert names.namespace_labels("acme") == {
        "app.kubernetes.io/managed-by": "iamrbac",
        "iamrbac.dev/instance": "acme",
    }


@given(st.text(min_size=1, max_size=253))
def test_an_object_name_is_a_path_segment_and_a_file_name_whatever_the_role_is_called(role: str) -> None:
    name = names.object_name("acme", "a" * 40, names.temporary_set("b" * 40), role, names.cluster_role_identity(role))
    assert re.fullmatch(r"[a-z0-9.-]+", name)
    assert len(f"ClusterRoleBinding-{name}.yaml") <= 255


@given(st.text(max_size=20), st.text(max_size=20))
def test_other_roles_have_other_names(one: str, other: str) -> None:
    made = {names.object_name("acme", "t", "s", "r", identity) for identity in (one, other)}
    assert len(made) == len({one, other})
