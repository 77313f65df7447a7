"""Which rights let somebody become somebody else: the edges of the graph of escalation, one function for each family.

Sources: Kubernetes' "RBAC good practices" (privilege escalation risks), CIS EKS 1.8 4.1.x, and the API server's own
checks where they decide (rbac-semantics): bind and escalate when roles and bindings are written, impersonation,
approval of certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from iamrbac.access.abilities import (
    ACT_AS_ACCOUNTS,
    ACT_AS_GROUPS,
    ACT_AS_USERS,
    ANY_SIGNER,
    API_SERVICES,
    APPROVE,
    APPROVE_SIGNER,
    BIND,
    CLIENT_SIGNER,
    CONFIGMAPS,
    CREATE_SECRETS,
    DEPUTIES,
    ESCALATE,
    ESCALATE_ROLES,
    INTO_PODS,
    KUBELET_SIGNER,
    MUTATING_POLICIES,
    MUTATING_POLICY_BINDINGS,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    NODES,
    NODES_PROXY,
    POD_MAKERS,
    READ_SECRETS,
    REQUEST_CERTIFICATE,
    RESOURCE_DEFINITIONS,
    TOKENS,
    VALIDATING_WEBHOOKS,
    VOLUMES,
    WRITE_BINDINGS,
    WRITE_CLUSTER_BINDINGS,
    WRITE_CLUSTER_ROLES,
    WRITE_ROLES,
)
from iamrbac.access.guise import ANY_GROUP, ANY_USER, CLUSTER_ADMIN, NODE, Guise
from iamrbac.access.powers import Held, Power
from iamrbac.rbac.match import ALL
from iamrbac.rbac.objects import Rule

KUBE_SYSTEM = "kube-system"


@dataclass(frozen=True, slots=True)
class Step:
    """One way to become somebody, in the scope that was looked at.

    In `ability` and `does` {here} stands for the scope in words, and `to` has its namespace only once it is known.
    """

    rule: str
    """The rule of lint that speaks of it."""
    ability: str
    does: str
    to: Guise
    given: tuple[Rule, ...]
    """The rules that give it."""


def steps(held: Held, namespace: str | None) -> tuple[Step, ...]:
    """Return every step that some rights allow, in the whole cluster (None) or in a namespace besides.

    For a namespace only steps that need a rule of it. Only the name kube-system makes a difference.
    """
    found = (step for family in _FAMILIES for step in family(held, namespace))
    if namespace is None:
        return tuple(found)
    return tuple(step for step in found if not held.own.isdisjoint(step.given))


def full(rules: Iterator[Rule] | tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules that allow everything with every resource."""
    return tuple(
        rule
        for rule in rules
        if ALL in rule.verbs and ALL in rule.api_groups and ALL in rule.resources and not rule.resource_names
    )


def _everything(held: Held, namespace: str | None) -> Iterator[Step]:
    everything = Power((ALL,), ALL, ALL)
    reach = held.reach(everything)
    given = full(reach.rules) if reach is not None else ()
    if given:
        to = CLUSTER_ADMIN if namespace is None else Guise("everything-in")
        yield Step("IAM001", "may do everything{here}", "do everything{here}", to, given)


def _accounts(held: Held, _: str | None) -> Iterator[Step]:
    """Pods, tokens and impersonation: any service account of the scope."""
    anyone = Guise("any-account")
    for right in POD_MAKERS:
        reach = held.reach(right)
        # Who may change one workload by name chooses its service account as well as who may change all.
        if reach is not None:
            does = f"{reach.verbs[0]} {right.qualified}{{here}}"
            yield Step("IAM031", "may create pods with {whom}", does, anyone, reach.rules)
    for rule, right, ability in (
        ("IAM019", TOKENS, "may make tokens of {whom}"),
        ("IAM016", ACT_AS_ACCOUNTS, "may impersonate {whom}"),
    ):
        reach = held.reach(right)
        if reach is not None:
            does = f"{reach.verbs[0]} {right.qualified}{{here}}"
            if reach.unlimited:
                yield Step(rule, ability, does, anyone, reach.rules)
            for name in sorted(reach.names):
                yield Step(rule, ability, f"{does} named {name}", Guise("account", "", name), reach.rules)
    minting, reading = held.reach(CREATE_SECRETS), held.reach(READ_SECRETS)
    if minting is not None and minting.unlimited and reading is not None and reading.unlimited:
        does = "create a token secret and read it{here}"
        yield Step("IAM022", "may make secrets with tokens of {whom}", does, anyone, (*minting.rules, *reading.rules))


def _pods(held: Held, _: str | None) -> Iterator[Step]:
    """Into what runs, and to what is kept: which service accounts these are is not known offline."""
    for rule, what, right in INTO_PODS:
        reach = held.reach(right)
        if reach is not None:
            does = f"{reach.verbs[0]} {right.qualified}{{here}}"
            yield Step(rule, f"may {what} running pods{{here}}", does, Guise("running"), reach.rules)
    reading = held.reach(READ_SECRETS)
    if reading is not None and reading.unlimited:
        does = f"{reading.verbs[0]} secrets{{here}}"
        yield Step("IAM020", "may read every secret{here}", does, Guise("stored"), reading.rules)


def _people(held: Held, _: str | None) -> Iterator[Step]:
    users, groups = held.reach(ACT_AS_USERS), held.reach(ACT_AS_GROUPS)
    if users is not None:
        if users.unlimited:
            yield Step("IAM015", "may impersonate any user", "impersonate users", ANY_USER, users.rules)
        for name in sorted(users.names):
            yield Step(
                "IAM015", f"may impersonate user {name}", f"impersonate {name}", Guise("user", "", name), users.rules
            )
    # The API server refuses a group without a user or service account to go with it.
    base = users or held.reach(ACT_AS_ACCOUNTS)
    if groups is not None and base is not None:
        given = (*groups.rules, *base.rules)
        if groups.unlimited:
            yield Step("IAM014", "may impersonate any group", "impersonate groups", ANY_GROUP, given)
        for name in sorted(groups.names):
            yield Step(
                "IAM014", f"may impersonate group {name}", f"impersonate {name}", Guise("group", "", name), given
            )


def _bindings(held: Held, namespace: str | None) -> Iterator[Step]:
    """Binding a role that one does not hold, and writing rights into a role, need a verb of their own."""
    scopes = [(held, WRITE_BINDINGS, Guise("everything-in"))]
    if namespace is None:
        scopes.append((held.cluster, WRITE_CLUSTER_BINDINGS, CLUSTER_ADMIN))
    for rights, binding, most in scopes:
        writes, binds = rights.reach(binding), rights.reach(BIND)
        if writes is None or binds is None:
            continue
        given = (*writes.rules, *binds.rules)
        if binds.unlimited:
            does = f"bind cluster-admin with {binding.qualified}{{here}}"
            yield Step("IAM007", "may bind any role{here}", does, most, given)
        for name in sorted(binds.names):
            does = f"bind clusterRole {name} with {binding.qualified}{{here}}"
            to = CLUSTER_ADMIN if (name, most) == ("cluster-admin", CLUSTER_ADMIN) else Guise("role", "", name)
            yield Step("IAM008", f"may bind clusterRole {name}{{here}}", does, to, given)
    for escalate, write, to in (
        (ESCALATE, WRITE_CLUSTER_ROLES, CLUSTER_ADMIN),
        (ESCALATE_ROLES, WRITE_ROLES, Guise("everything-in")),
    ):
        escalates, writes = held.reach(escalate), held.reach(write)
        if escalates is None or writes is None:
            continue
        if escalates.unlimited or writes.unlimited or escalates.names & writes.names:
            given = (*escalates.rules, *writes.rules)
            does = f"write any right into {write.qualified}{{here}}"
            yield Step("IAM006", "may write any right into a role{here}", does, to, given)


def _cluster_objects(held: Held, namespace: str | None) -> Iterator[Step]:
    """What all of the cluster trusts."""
    maps = held.reach(CONFIGMAPS) if namespace in (None, KUBE_SYSTEM) else None
    if maps is not None and maps.means("aws-auth"):
        does = f"{maps.verbs[0]} configmap aws-auth in {KUBE_SYSTEM}"
        yield Step("IAM027", "may map itself to system:masters in aws-auth", does, CLUSTER_ADMIN, maps.rules)
    hooks = held.reach(MUTATING_WEBHOOKS)
    if hooks is not None:
        ability = "may change every object on its way into the cluster"
        yield Step("IAM055", ability, f"{hooks.verbs[0]} mutating webhooks", CLUSTER_ADMIN, hooks.rules)
    policies, bound = held.reach(MUTATING_POLICIES), held.reach(MUTATING_POLICY_BINDINGS)
    if policies is not None and bound is not None:
        ability = "may change every object on its way into the cluster"
        does = f"{policies.verbs[0]} mutating admission policies"
        yield Step("IAM056", ability, does, CLUSTER_ADMIN, (*policies.rules, *bound.rules))
    for rule, right, ability, becomes in (
        ("IAM055", VALIDATING_WEBHOOKS, "may have every written object sent to it", "a reader of all that is written"),
        ("IAM057", RESOURCE_DEFINITIONS, "may convert custom resources", "the author of every custom resource"),
        ("IAM058", API_SERVICES, "may answer for an API", "the server of an API that others trust"),
    ):
        reach = held.reach(right)
        if reach is not None:
            yield Step(rule, ability, f"{reach.verbs[0]} {right.qualified}", Guise("other", "", becomes), reach.rules)
    for controller, right in DEPUTIES:
        reach = held.reach(right)
        if reach is not None:
            ability, does = f"may let {controller} act{{here}}", f"{reach.verbs[0]} {right.qualified}{{here}}"
            yield Step("IAM060", ability, does, Guise("other", "", controller), reach.rules)


def _certificates(held: Held, _: str | None) -> Iterator[Step]:
    asks, approves, signer = held.reach(REQUEST_CERTIFICATE), held.reach(APPROVE), held.reach(APPROVE_SIGNER)
    if asks is None or approves is None or signer is None:
        return
    given = (*asks.rules, *approves.rules, *signer.rules)
    does = "ask for a certificate and approve it"
    if signer.means(CLIENT_SIGNER, ANY_SIGNER):
        yield Step("IAM024", "may approve its own certificate of any user", does, ANY_USER, given)
    if signer.means(KUBELET_SIGNER, ANY_SIGNER):
        yield Step("IAM024", "may approve its own certificate of a node", does, NODE, given)


def _nodes(held: Held, _: str | None) -> Iterator[Step]:
    proxy = held.reach(NODES_PROXY)
    if proxy is not None:
        does = f"{proxy.verbs[0]} nodes/proxy, the kubelet's own API"
        yield Step("IAM044", "may run commands in every pod through the kubelet", does, NODE, proxy.rules)
    makers = [reach for right in POD_MAKERS if (reach := held.reach(right)) is not None]
    pods = tuple(rule for reach in makers for rule in reach.rules)
    volumes = held.reach(VOLUMES)
    if volumes is not None and makers:
        does = "create a persistent volume of a node's files and a pod that mounts it"
        yield Step("IAM047", "may mount a node's own files", does, NODE, (*volumes.rules, *pods))
    labels = held.reach(NAMESPACES)
    if labels is not None and makers:
        does = "take the pod security labels off the namespace and create a privileged pod{here}"
        yield Step("IAM049", "may lift pod security and create pods{here}", does, NODE, (*labels.rules, *pods))
    for right in NODES:
        reach = held.reach(right)
        if reach is not None:
            to = Guise("other", "", "whoever decides where pods run")
            yield Step("IAM046", "may move pods between nodes", f"{reach.verbs[0]} {right.qualified}", to, reach.rules)


_Family = Callable[[Held, str | None], Iterator[Step]]
_FAMILIES: tuple[_Family, ...] = (
    _everything,
    _accounts,
    _pods,
    _people,
    _bindings,
    _cluster_objects,
    _certificates,
    _nodes,
)
