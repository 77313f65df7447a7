"""Backups for tests: a fixed one to look at, and any that hypothesis can think of."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from iamrbac.backup.backup import Backup, Result, Run, Saved
from iamrbac.compile.desired import Desired, Key, Kind, Namespace, Spec
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation, Section
from iamrbac.plan.change import Action
from iamrbac.plan.observed import Meta, Observed
from iamrbac.rbac.objects import Binding, Requirement, Role, RoleRef, Rule, Selector, Subject
from tests.rbac.strategies import rule_lists, subjects

ACCOUNT = "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
RUN = Run(
    "20261126-122146-1a2b3c",
    "2026-11-26T12:21:46Z",
    "apply",
    f"arn:aws:iam::{ACCOUNT}:user/pat",
    "laptop",
    "0123456789abcdef0123456789abcdef01234567+",
    "sha256:00",
    (("Allowed-Removals", "12"),),
)
_ENTRY = Key("staging", "AccessEntry", "", ALICE)
_BINDING = Key("staging", "RoleBinding", "payments", "iamrbac-payments-developers-view-00000000")
_VIEW = Binding(
    "RoleBinding",
    "payments",
    _BINDING.name,
    RoleRef("ClusterRole", "view"),
    (Subject("Group", "iamrbac:acme:payments:developers"),),
)


def backup(run: Run = RUN, cluster: str = "staging") -> Backup:
    """One update and one removal."""
    entry, binding = (Key(cluster, key.kind, key.namespace, key.name) for key in (_ENTRY, _BINDING))
    changes = (
        Saved(
            entry,
            Action.UPDATE,
            Observed(entry, AccessEntry(ALICE, ALICE, ("old",)), Meta({"iamrbac.dev/instance": "acme"})),
            Desired(entry, AccessEntry(ALICE, ALICE, ("new",)), {"iamrbac.dev/instance": "acme"}),
            ("policies/payments.yaml:9",),
        ),
        Saved(binding, Action.DELETE, Observed(binding, _VIEW, Meta({"a": "b"}, {"note": "kept"}, (), "17")), None),
    )
    return Backup(run, "acme", cluster, f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{cluster}", changes)


texts = st.text(max_size=8)
names = st.text(min_size=1, max_size=8)
labels = st.dictionaries(texts, texts, max_size=2)
some_texts = st.lists(texts, max_size=3).map(tuple)
_selectors = st.builds(
    Selector,
    st.lists(st.tuples(texts, texts), max_size=2, unique_by=lambda one: one[0]).map(sorted).map(tuple),
    st.lists(
        st.builds(Requirement, texts, st.sampled_from(("In", "Exists")), some_texts),
        max_size=2,
    ).map(tuple),
)
_refs = st.builds(RoleRef, st.sampled_from(("Role", "ClusterRole")), names)
_subjects = st.lists(subjects, max_size=3).map(tuple)


def _role(key: Key) -> st.SearchStrategy[Spec]:
    plain = st.builds(Role, st.just(key.kind), st.just(key.namespace or None), st.just(key.name), rule_lists)
    if key.kind == "Role":
        return plain
    # The rules of one that gathers are the controller's, so they are not kept.
    no_rules: st.SearchStrategy[tuple[Rule, ...]] = st.just(())
    gathered = st.lists(_selectors, min_size=1, max_size=2).map(tuple)
    return plain | st.builds(Role, st.just(key.kind), st.none(), st.just(key.name), no_rules, gathered)


def _binding(key: Key) -> st.SearchStrategy[Spec]:
    return st.builds(Binding, st.just(key.kind), st.just(key.namespace or None), st.just(key.name), _refs, _subjects)


def _association(key: Key) -> st.SearchStrategy[Spec]:
    principal, _, policy = key.name.partition("#")
    return st.builds(
        PolicyAssociation, st.just(principal), st.just(policy), st.sampled_from(("cluster", "namespace")), some_texts
    )


_SECTIONS: st.SearchStrategy[Section] = st.sampled_from(("mapRoles", "mapUsers"))
SPECS: dict[Kind, Callable[[Key], st.SearchStrategy[Spec]]] = {
    "Namespace": lambda key: st.just(Namespace(key.name)),
    "Role": _role,
    "ClusterRole": _role,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "AccessEntry": lambda key: st.builds(AccessEntry, st.just(key.name), texts, some_texts, texts),
    "AccessPolicyAssociation": _association,
    "AwsAuthRow": lambda key: st.builds(AwsAuthRow, _SECTIONS, st.just(key.name), texts, some_texts),
}


@st.composite
def _saved(draw: st.DrawFn, cluster: str) -> Saved:
    kind = draw(st.sampled_from(sorted(SPECS)))
    namespace = draw(names) if kind in ("Role", "RoleBinding") else ""
    name = draw(names)
    if kind == "AccessPolicyAssociation":
        name = f"{name.replace('#', '')}#{draw(names)}"
    key = Key(cluster, kind, namespace, name)
    specs = SPECS[kind](key)
    metas = st.builds(Meta, labels, labels, some_texts, st.none() | texts)
    before = draw(st.none() | st.builds(Observed, st.just(key), specs, metas))
    after = draw(st.none() | st.builds(Desired, st.just(key), specs, labels))
    return Saved(key, draw(st.sampled_from(Action)), before, after, draw(some_texts))


@st.composite
def backups(draw: st.DrawFn) -> Backup:
    """Any backup; its changes have keys of their own."""
    cluster = draw(names)
    changes = draw(st.lists(_saved(cluster), max_size=4, unique_by=lambda one: one.key))
    pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
    run = draw(st.builds(Run, names, texts, texts, texts, texts, texts, texts, pairs))
    rows = st.none() | st.dictionaries(st.sampled_from(("mapRoles", "mapUsers")), texts)
    return Backup(run, draw(names), cluster, draw(texts), tuple(changes), draw(rows))


@st.composite
def backups_with_results(draw: st.DrawFn) -> tuple[Backup, tuple[Result, ...]]:
    """Any backup, and what became of some of its changes."""
    made = draw(backups())
    begun = [one for one in made.changes if draw(st.booleans())]
    return made, tuple(draw(st.builds(Result, st.just(one.key), texts, texts, texts)) for one in begun)
