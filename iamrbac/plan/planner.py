"""Desired against observed: the changes of one cluster, with refusals as findings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from iamrbac.access.delta import delta
from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired, Form, Key, Kind
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.errors import AwsAuthError
from iamrbac.plan import ownership
from iamrbac.plan.broken import broken_today
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.dangling import dangling
from iamrbac.plan.diff import diff_mappings
from iamrbac.plan.form import owned_rows
from iamrbac.plan.keeps import kept_rows, kept_tags
from iamrbac.plan.keys import display_key
from iamrbac.plan.observed import ClusterState, Meta, Observed
from iamrbac.plan.shadow import shadow_findings
from iamrbac.plan.simulate import absent, after, before, edited_aws_auth
from iamrbac.plan.stripped import stripped
from iamrbac.rbac.objects import Binding

__all__ = ["adoptable", "display_key", "managed_principals", "mappings_of", "plan_cluster"]
_EKS = ownership.Foreign("EKS (nodes, Fargate or a service-linked role)")


def plan_cluster(
    desired: ClusterDesired, state: ClusterState, form: Form, instance: str, adopt: Collection[str] = ()
) -> ClusterPlan:
    """Compare and return what would change, for whom, and what refuses it.

    `adopt` holds the display keys (`display_key`) of unclaimed objects that may be taken over.
    Raises AwsAuthError when rows would have to be written and aws-auth is not there or does not parse.
    """
    observed, owners = with_owners(state, form, instance)
    wanted = {item.key: item for item in desired.objects}
    relevant = {key: item for key, item in observed.items() if key in wanted or isinstance(owners[key], ownership.Ours)}
    diff = diff_mappings(
        relevant, wanted, lambda was, will: _equal(was, will) and isinstance(owners[was.key], ownership.Ours)
    )
    changes: list[Change] = [Change(key, Action.CREATE, None, item) for key, item in diff.add.items()]
    findings: list[Finding] = [*broken_today(state), *_left(observed, owners, wanted.keys(), instance)]
    findings += stripped(state, wanted, instance, adopt)
    for key, (was, will) in diff.change.items():
        judged = _judge(was, will, owners[key], adopt)
        if isinstance(judged, Finding):
            findings.append(judged)
        else:
            changes.append(Change(key, judged, was, will))
    changes += [Change(key, Action.DELETE, item, None) for key, item in diff.delete.items()]
    changes = _without_refused_entries(changes, findings)
    changes.sort(key=lambda change: change.key)
    data = _aws_auth_after(state, changes)
    findings += dangling(desired.objects, state)
    findings += shadow_findings(state, form, desired.objects, changes, adopt)
    access = delta(desired.cluster, before(state), after(state, changes, data)) if changes else ()
    groups = frozenset(principals.group for principals in desired.principals)
    return ClusterPlan(state, form, tuple(changes), access, tuple(findings), len(wanted), groups, data)


def with_owners(
    state: ClusterState, form: Form, instance: str
) -> tuple[Mapping[Key, Observed], Mapping[Key, ownership.Owner]]:
    """Return everything observed, rows of aws-auth too, and whose each is. Raises AwsAuthError as `plan_cluster`."""
    observed = {item.key: item for item in (*state.objects, *_rows(state, form, instance))}
    return observed, _owners(observed, instance)


def ours_of(state: ClusterState, form: Form, instance: str) -> tuple[Desired, ...]:
    """Return everything of ours as it is now, rows too: wanted by whoever leaves it alone.

    Raises AwsAuthError as `plan_cluster` does.
    """
    observed, owners = with_owners(state, form, instance)
    return tuple(
        Desired(key, item.spec, item.meta.labels)
        for key, item in observed.items()
        if isinstance(owners[key], ownership.Ours)
    )


def mappings_of(state: ClusterState, form: Form, instance: str) -> tuple[Desired, ...]:
    """Return the entries, associations and rows of ours as they are. Raises AwsAuthError as `plan_cluster` does."""
    kinds = AccessEntry | PolicyAssociation | AwsAuthRow
    return tuple(item for item in ours_of(state, form, instance) if isinstance(item.spec, kinds))


def adoptable(state: ClusterState) -> frozenset[str]:
    """Return the display keys of everything on a cluster that `--adopt` can name."""
    rows = read(state.aws_auth.data).rows if state.aws_auth is not None else ()
    return frozenset(display_key(item.key) for item in state.objects) | {f"AwsAuthRow/{row.arn}" for row in rows}


def managed_principals(state: ClusterState, instance: str) -> int:
    """Count the principals that we map on a cluster now: the whole that a fraction of losses is measured by."""
    entries = {
        item.spec.principal
        for item in state.objects
        if isinstance(item.spec, AccessEntry) and isinstance(ownership.owner_of(item.meta, instance), ownership.Ours)
    }
    return len(entries) + len(owned_rows(state.aws_auth, instance) or ())


def owned_objects(state: ClusterState, instance: str) -> Counter[Kind]:
    """Count our objects on a cluster by kind: the whole that a fraction of removed ones is measured by.

    An association is its entry's owner's.
    """
    marked = [one for one in state.objects if isinstance(ownership.owner_of(one.meta, instance), ownership.Ours)]
    entries = {one.spec.principal for one in marked if isinstance(one.spec, AccessEntry)}
    mine = [one for one in state.objects if isinstance(one.spec, PolicyAssociation) and one.spec.principal in entries]
    found: Counter[Kind] = Counter(one.key.kind for one in (*marked, *mine))
    found["AwsAuthRow"] += len(owned_rows(state.aws_auth, instance) or ())
    return found


def _rows(state: ClusterState, form: Form, instance: str) -> tuple[Observed, ...]:
    """Return aws-auth's rows as observed objects; an owned row carries our mark."""
    if state.aws_auth is None or state.target.authentication_mode == "API":
        return ()
    owned = owned_rows(state.aws_auth, instance)
    reading = read(state.aws_auth.data)
    if owned is None:
        raise AwsAuthError(
            f"the annotation {names.rows_annotation(instance)} of kube-system/aws-auth is not a JSON list of ARNs, "
            "so that nobody can tell which rows are ours",
            where=state.target.name,
            hint="restore the annotation, or remove it and adopt the rows",
        )
    if reading.broken:
        if form == "aws-auth" or owned:
            raise AwsAuthError(
                "; ".join(reading.broken),
                where=f"{state.target.name}: kube-system/aws-auth",
                hint="mend the ConfigMap by hand; nothing is written while it does not parse",
            )
        return ()
    # Of several rows for one ARN the last counts; but all of them go together, so one for nodes keeps them all.
    last = {row.arn: row for row in sorted(reading.rows, key=is_system)}
    kept = kept_rows(state.aws_auth, instance)
    return tuple(
        Observed(
            Key(state.target.name, "AwsAuthRow", "", arn),
            AwsAuthRow(row.section, arn, row.username, tuple(sorted(set(row.groups)))),
            Meta(labels={names.INSTANCE_LABEL: instance, **kept.get(arn, {})}) if arn in owned else Meta(),
        )
        for arn, row in last.items()
    )


def _owners(observed: Mapping[Key, Observed], instance: str) -> dict[Key, ownership.Owner]:
    """Judge every object; an association belongs to whoever owns its entry (EKS gives associations no tags).

    What maps nodes or AWS's own services is EKS's, whatever mark somebody put on it.
    """
    owners: dict[Key, ownership.Owner] = {
        key: _EKS
        if isinstance(item.spec, AccessEntry | AwsAuthRow) and is_system(item.spec)
        else ownership.owner_of(item.meta, instance)
        for key, item in observed.items()
    }
    for key, item in observed.items():
        if isinstance(item.spec, PolicyAssociation):
            entry = Key(key.cluster, "AccessEntry", "", item.spec.principal)
            owners[key] = owners.get(entry, ownership.Unclaimed())
    return owners


def _left(
    observed: Mapping[Key, Observed], owners: Mapping[Key, ownership.Owner], wanted: Collection[Key], instance: str
) -> Iterable[Finding]:
    """Name what carries our mark, is wanted no more, and stays because another owner has marked it since."""
    for key, owner in owners.items():
        marked = ownership.is_marked(observed[key].meta, instance)
        if marked and key not in wanted and isinstance(owner, ownership.Foreign):
            yield Finding(
                id="OWN004",
                level=Level.WARNING,
                message=f"no policy wants {display_key(key)} any more, and it stays: {owner.owner} keeps it",
                hint="look at it, and remove it by hand or take our label or tag off it",
                cluster=key.cluster,
                object=display_key(key),
            )


def _aws_auth_after(state: ClusterState, changes: Collection[Change]) -> dict[str, str] | None:
    """Return aws-auth's data after the changes, None without any. Raises AwsAuthError where it cannot be written."""
    if state.aws_auth is None and any(change.key.kind == "AwsAuthRow" for change in changes):
        raise absent(state.target.name)
    return edited_aws_auth(state, changes)


def _equal(was: Observed, will: Desired) -> bool:
    """Same spec, and every label of ours as it should be; labels of others do not count."""
    if will.released:
        return False
    if isinstance(will.spec, PolicyAssociation):
        return was.spec == will.spec
    if isinstance(will.spec, AccessEntry | AwsAuthRow) and kept_tags(was.meta.labels) != kept_tags(will.labels):
        return False
    if isinstance(will.spec, AwsAuthRow):
        return was.spec == will.spec
    return was.spec == will.spec and all(was.meta.labels.get(key) == value for key, value in will.labels.items())


def _judge(was: Observed, will: Desired, owner: ownership.Owner, adopt: Collection[str]) -> Action | Finding:
    shown = display_key(was.key)
    if isinstance(owner, ownership.Foreign):
        return _refusal(
            was.key,
            "OWN001",
            f"{shown} is kept by {owner.owner}; two writers would fight over it",
            "let that tool give it up first, or take it out of the policy",
        )
    replaced = _other_role(was, will)
    if isinstance(owner, ownership.Ours):
        return Action.REPLACE if replaced else Action.UPDATE
    if shown not in adopt:
        return _refusal(
            was.key,
            "OWN002",
            f"{shown} is already there and is not ours",
            f"look at it, then: --adopt '{shown}', or remove it by hand",
        )
    if replaced:
        return _refusal(
            was.key,
            "OWN003",
            f"{shown} cannot be adopted: roleRef cannot be changed",
            "remove it by hand, then run again",
        )
    return Action.ADOPT


def _refusal(key: Key, id_: str, message: str, hint: str) -> Finding:
    return Finding(id_, Level.ERROR, message, hint, cluster=key.cluster, object=display_key(key))


def _other_role(was: Observed, will: Desired) -> bool:
    """Say whether a binding would get another roleRef, which the API cannot change."""
    return isinstance(was.spec, Binding) and isinstance(will.spec, Binding) and was.spec.role_ref != will.spec.role_ref


def _without_refused_entries(changes: Iterable[Change], findings: Iterable[Finding]) -> list[Change]:
    """An entry that is refused takes its associations with it."""
    refused = {finding.object for finding in findings if finding.level is Level.ERROR}

    def kept(change: Change) -> bool:
        if change.key.kind != "AccessPolicyAssociation":
            return True
        return f"AccessEntry/{change.key.name.split('#', 1)[0]}" not in refused

    return [change for change in changes if kept(change)]
