"""Roles that say they only read, and do not."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import NODES_PROXY, READ_SECRETS, SHELLS
from iamrbac.access.powers import Held, Power
from iamrbac.lint.matter import Ground, Hit, Where
from iamrbac.lint.references import ACCESS_POLICIES, GOOD_PRACTICES, issue
from iamrbac.lint.rule import ERROR, LintRule, RightsCheck, always, hold, in_namespace

_MORE = (
    READ_SECRETS,
    *SHELLS,
    NODES_PROXY,
    Power(("get", "create"), "pods/portforward"),
    Power(("get",), "pods/proxy"),
    Power(("get",), "services/proxy"),
)


def _reader(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    if where.readonly:
        yield from hold(held, "says that it only reads, and has {what}", _MORE)


_READS = '- {apiGroups: [""], resources: [pods, pods/log, configmaps], verbs: [get, list, watch]}'
_SECRETS = '- {apiGroups: [""], resources: [pods, secrets], verbs: [get, list, watch]}'

RULES = (
    LintRule(
        id="IAM043",
        title="calls itself read-only, and is not",
        why="The verbs get, list and watch are not harmless on everything: they read secrets, run commands through "
        "nodes/proxy, and up to Kubernetes 1.34 over WebSockets through pods/exec. Whoever reviews a grant of a role "
        "called viewer does not look for these. AmazonEKSAdminViewPolicy is such a role.",
        fix="Take them out of the role, or call it what it is.",
        levels=always(ERROR),
        references=(GOOD_PRACTICES, ACCESS_POLICIES, issue("kubernetes/kubernetes", "136550")),
        check=RightsCheck(_reader),
        good=in_namespace(_READS, role="viewer"),
        bad=in_namespace(_SECRETS, role="viewer"),
    ),
)
