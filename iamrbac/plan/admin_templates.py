"""Role templates of the repository that give what cluster-admin gives: only those that the reviewed config names.

A template is one line of a policy away from whoever may write policies, and looks as harmless there as any other. A
policy that says `clusterRole: cluster-admin` says what it does, and is left to `lint`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from iamrbac.access.admin_like import like_cluster_admin
from iamrbac.access.refused import some_of
from iamrbac.compile import names
from iamrbac.findings.finding import Finding, Level
from iamrbac.plan.change import ClusterPlan
from iamrbac.rbac.objects import Binding, Role


def admin_templates(plan: ClusterPlan, allowed: Collection[str]) -> Iterator[Finding]:
    """Yield a refusal for each template that a plan gives such rights by, and that `allowed` does not name.

    A grant that is there already and does not change is none, nor is a role that gives no more of this than before:
    else what everybody knows would refuse every later apply. Who joins a set with such a role is not looked at.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    where: dict[str, set[str]] = defaultdict(set)
    for role, had in _given(plan):
        template = role.labels.get(names.ROLE_LABEL, "")
        new = [reason for reason in like_cluster_admin(role) if reason not in had]
        if template and template not in allowed and new:
            found[template] |= dict.fromkeys(new)
            where[template].add(f"in {role.namespace}" if role.namespace else "in the whole cluster")
    for template, reasons in sorted(found.items()):
        yield Finding(
            id="GRD008",
            level=Level.ERROR,
            message=(
                f"the role template {template} gives what cluster-admin gives, and guards.adminTemplates does not name "
                f"it: whoever gets it {', '.join(reasons)}, {some_of(sorted(where[template]))}"
            ),
            hint=f"take it out; if it is meant, have the config say guards.adminTemplates: [{template}]",
            cluster=plan.name,
            object=f"template {template}",
        )


def _given(plan: ClusterPlan) -> Iterator[tuple[Role, tuple[str, ...]]]:
    """Yield every role that a plan writes or binds, with what it gave of this before, to those who had it."""
    written = {change.key for change in plan.changes}
    there = {(item.key.kind, item.key.namespace, item.key.name): item for item in plan.state.objects}
    for change in plan.changes:
        was = change.before.spec if change.before is not None else None
        will = change.after.spec if change.after is not None else None
        if isinstance(will, Role):
            yield will, like_cluster_admin(was) if isinstance(was, Role) else ()
        elif isinstance(will, Binding):
            ref = will.role_ref
            bound = there.get((ref.kind, will.namespace or "" if ref.kind == "Role" else "", ref.name))
            same = isinstance(was, Binding) and (was.role_ref, was.subjects) == (ref, will.subjects)
            if bound is not None and isinstance(bound.spec, Role) and bound.key not in written and not same:
                yield bound.spec, ()
