"""The sample repository with what an auditor looks for, in a git repository with reviews and a merge."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.conftest import ROOT
from tests.git.repo import Repo

AT = "2026-11-26T12:00:00Z"
ACCOUNT = "111122223333"
ACCEPTS = "owner: payments, accepts: [platform]}"
PLATFORM = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: platform}
spec:
  owners: [platform-leads@example.com]
  members:
    admins: [{iamGroup: platform-admins}]
    secrets: [{iamRole: vault-sync}]
    nodes: [{iamRole: scanner}]
  access:
    - {to: [admins], clusters: [production], scope: cluster, role: {clusterRole: cluster-admin}, reason: they run it}
    - {to: [secrets], clusters: [production], namespaces: [payments], role: vault}
    - {to: [nodes], clusters: [staging], namespaces: [payments], role: {eksAccessPolicy: AmazonEKSHybridPolicy}}
"""
VAULT = "rules:\n  - {apiGroups: [''], resources: [secrets], verbs: [get, list]}\n"
WAIVERS = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Waivers
waivers:
  - rule: IAM034
    scope: {team: payments, clusters: [staging]}
    reason: PAY-99 the debugger attaches until it is replaced
    notAfter: "2026-12-10T00:00:00Z"
  - {rule: IAM020, scope: {team: platform}, reason: PLAT-7 vault reads them, notAfter: "2026-11-01T00:00:00Z"}
"""
SOON = """\
apiVersion: iamrbac.dev/v1alpha1
kind: TemporaryGrant
metadata: {name: inc-4211}
spec:
  team: payments
  members: [{iamUser: erin}]
  access: [{clusters: [production], namespaces: [payments], role: operator}]
  notAfter: "2026-11-30T18:00:00Z"
  reason: INC-4211 peak season on-call
"""
ENDED = SOON.replace("inc-4211", "inc-4000").replace("2026-11-30", "2026-10-30").replace("INC-4211", "INC-4000")
GROUPS = {
    "payments-developers": ["alice", "bob", *(f"dev-{number:02}" for number in range(9))],
    "payments-oncall": ["carol"],
    "search-developers": ["dave", "erin"],
    "platform-admins": ["pat"],
}


def user(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def people() -> str:
    """Who is in which group, as `identities export` writes it."""
    named = {f"user/{name}": user(name) for name in ("dave", "erin")}
    roles = {name: f"arn:aws:iam::{ACCOUNT}:role/{path}{name}" for name, path in _ROLES.items()}
    return json.dumps(
        {
            "formatVersion": 1,
            "kind": "Identities",
            "at": "2026-11-26T10:00:00Z",
            "groups": [
                {"account": ACCOUNT, "name": name, "members": sorted(map(user, users))}
                for name, users in GROUPS.items()
            ],
            "principals": [
                {"account": ACCOUNT, "name": name, "arn": arn}
                for name, arn in sorted((named | {f"role/{name}": arn for name, arn in roles.items()}).items())
            ],
        }
    )


_ROLES = {"payments-deployer": "ci/", "vault-sync": "", "scanner": ""}


def make(folder: Path) -> Repo:
    """Write the repository: the sample, a merged change with reviews, and one file that nobody committed."""
    repo = Repo.init(folder)
    for name in ("policies", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    config = (ROOT / "iamrbac.yaml").read_text()
    suspended = f"suspended: [arn:aws:iam::{ACCOUNT}:user/mallory]"
    config = config.replace("suspended: []", suspended).replace(
        "owner: payments}", "owner: payments, accepts: [platform]}"
    )
    (folder / "iamrbac.yaml").write_text(config)
    repo.commit({}, "The sample\n\nReviewed-by: Robin <robin@example.com>")
    repo.git("checkout", "--quiet", "-b", "platform")
    repo.commit(
        {"policies/platform.yaml": PLATFORM, "templates/roles/vault.yaml.j2": VAULT},
        "PLAT-1 platform may\n\nApproved-by: Sam <sam@example.com>",
    )
    repo.commit({"waivers.yaml": WAIVERS, "policies/temporary/inc-4000.yaml": ENDED}, "PLAT-7 accept it")
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #7\n\nReviewed-by: Kim", "platform")
    repo.write({"policies/temporary/inc-4211.yaml": SOON, "people.json": people()})
    return repo


def settled(text: str, repo: Repo) -> str:
    """Return an output with what changes with every change of the sample and of the program taken out."""
    from iamrbac import __version__

    for number, id_ in enumerate(repo.git("rev-list", "--reverse", "HEAD").split()):
        text = text.replace(id_, f"COMMIT-{number}").replace(id_[:12], f"COMMIT-{number}")
    text = text.replace(f"iamrbac {__version__}", "iamrbac VERSION").replace(f'"{__version__}"', '"VERSION"')
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1>…</\1>", text, flags=re.DOTALL)
    return re.sub(r"'sha256-[^']+'", "'sha256-…'", text)
