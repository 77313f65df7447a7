"""Small clusters to lay out, written and random ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from iamrbac.compile.desired import Desired, Key, Namespace
from iamrbac.gitops.delivery import Delivery, delivery_of
from iamrbac.gitops.files import Resource
from iamrbac.model.documents import Config
from iamrbac.model.gitops import Layout
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Subject

URL = "https://git.example.com/platform/clusters.git"
ALL: tuple[Layout, ...] = ("plain", "kustomize", "argocd", "flux")
SHOWN_TWICE = (Origin("policies/payments.yaml", ("spec", "access", 2)), Origin("policies/payments.yaml", ("spec",)))


def delivery(
    layout: Layout = "plain",
    name: str = "production",
    *,
    instance: str = "acme",
    namespaces: list[str] | None = None,
    **gitops: Any,
) -> Delivery:
    """Return a delivery as the config would give it; keyword arguments are keys of `gitops`."""
    cluster = {
        "name": name,
        "account": "111122223333",
        "region": "eu-west-1",
        "delivery": "gitops",
        **({} if namespaces is None else {"namespaces": namespaces}),
    }
    config = Config.model_validate(
        {
            "apiVersion": "iamrbac.dev/v1alpha1",
            "kind": "Config",
            "metadata": {"name": instance},
            "gitops": {"repository": URL, "layout": layout, **gitops},
            "clusters": [cluster],
        }
    )
    return delivery_of(config, config.clusters[0])


def role(namespace: str | None, name: str, *rules: Rule) -> Desired:
    kind: Any = "ClusterRole" if namespace is None else "Role"
    marks = {"app.kubernetes.io/managed-by": "iamrbac", "iamrbac.dev/instance": "acme"}
    spec = Role(kind, namespace, name, rules or (Rule(("get", "list"), ("", "apps"), ("pods",)),), (), marks)
    return Desired(Key("production", kind, namespace or "", name), spec, marks, SHOWN_TWICE)


def binding(namespace: str | None, name: str, group: str = "iamrbac:acme:payments:developers") -> Desired:
    kind: Any = "ClusterRoleBinding" if namespace is None else "RoleBinding"
    ref = RoleRef("ClusterRole" if namespace is None else "Role", name)
    marks = {"app.kubernetes.io/managed-by": "iamrbac"}
    spec = Binding(kind, namespace, name, ref, (Subject("Group", group),), marks)
    return Desired(Key("production", kind, namespace or "", name), spec, marks, SHOWN_TWICE[:1])


def namespace(name: str) -> Desired:
    marks = {"app.kubernetes.io/managed-by": "iamrbac"}
    return Desired(Key("production", "Namespace", "", name), Namespace(name), marks)


def entry(name: str, **annotations: str) -> Resource:
    """Return an access entry as ACK has it."""
    metadata: dict[str, Any] = {"name": name, "namespace": "ack-system"}
    if annotations:
        metadata["annotations"] = annotations
    spec = {"clusterName": "production", "principalARN": f"arn:aws:iam::111122223333:role/{name}"}
    value: dict[str, Any] = {
        "apiVersion": "eks.services.k8s.aws/v1alpha1",
        "kind": "AccessEntry",
        "metadata": metadata,
        "spec": spec,
    }
    return Resource(value, SHOWN_TWICE[:1])


DEVELOPER = "iamrbac-payments-developers-developer-0a1b2c3d"
OPERATOR = "iamrbac-platform-admins-operator-4e5f6a7b"
OBJECTS = (
    namespace("payments"),
    role("payments", DEVELOPER),
    binding("payments", DEVELOPER),
    role(None, OPERATOR),
    binding(None, OPERATOR, "iamrbac:acme:platform:admins"),
)
RESOURCES = (entry("payments-deployer"),)

# Few letters, so that the same name comes up in several places.
labels = st.text("ab0", min_size=1, max_size=3)
names = labels.map(lambda text: f"iamrbac-{text}-0a1b")
rules = st.sampled_from([(Rule(("get",), ("",), ("pods",)),), (Rule(("*",), ("apps",), ("deployments", "secrets")),)])
places = st.one_of(st.none(), labels)
items = st.one_of(
    st.builds(lambda where, name, made: role(where, name, *made), places, names, rules),
    st.builds(binding, places, names),
    st.builds(namespace, labels),
)
clusters = st.lists(items, max_size=6, unique_by=lambda item: item.key)
entries = st.lists(st.builds(entry, names), max_size=2, unique_by=lambda item: str(item.value))
cluster_names = st.builds("".join, st.tuples(st.sampled_from("aZ0"), st.text("aBz0_-", max_size=99)))
instances = st.builds("".join, st.tuples(st.sampled_from("a0"), st.text("ab0-", max_size=38), st.sampled_from("z9")))
