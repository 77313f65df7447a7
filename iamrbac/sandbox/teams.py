"""The demo's last chapters: somebody in two teams, and a team whose people come in by a role of IAM."""

from __future__ import annotations

import site
from dataclasses import replace

from iamrbac.sandbox.demo import CLUSTER, ELSEWHERE, GROUP, INTRUDER, LEAVER, NAMESPACE, Stage, nothing_left
from iamrbac.sandbox.shell import write_private

BOTH, OTHER_NAMESPACE = INTRUDER, "search"
ROLE_GROUP, ROLE = "contractors", "acme.contractors.all"
_SETS = ["iamrbac:acme:payments:developers", "iamrbac:acme:search:developers"]
_POLICY = f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata:
  name: contractors
spec:
  owners: [payments-leads@example.com]
  members:
    all:
      - iamGroup: {ROLE_GROUP}
        via: role
  access:
    - clusters: [{CLUSTER}]
      namespaces: [{ELSEWHERE}]
      role: viewer
"""


def play(stage: Stage) -> None:
    """Play both chapters after the others; the repository gets a policy. Raises DoesNotHoldError."""
    _two_teams(stage)
    _by_role(stage)


def _two_teams(stage: Stage) -> None:
    narrator = stage.narrator
    narrator.chapter(f"{BOTH} of the search team joins the IAM group {GROUP}, too")
    stage.sandbox.add_to_group(BOTH, GROUP)
    applied = stage.iamrbac("apply", "--yes", "--quiet")
    narrator.check("it is applied", applied.code == 0, applied.out + applied.err)
    narrator.command(stage.sandbox.admin, f"aws eks describe-access-entry --cluster-name {CLUSTER} --principal-arn …")
    eks, arn = stage.sandbox.client("eks"), stage.sandbox.arn(BOTH)
    entry = eks.describe_access_entry(clusterName=CLUSTER, principalArn=arn)["accessEntry"]
    groups = sorted(entry["kubernetesGroups"])
    narrator.quote(f"{arn}\n" + "\n".join(f"  {group}" for group in groups))
    narrator.check(f"{BOTH} has one entry, with the groups of both teams", groups == _SETS, str(groups))
    for namespace in (NAMESPACE, OTHER_NAMESPACE):
        stage.get(BOTH, "pods", namespace, f"{BOTH} may list pods in {namespace}", 200)
    nothing_left(stage)


def _by_role(stage: Stage) -> None:
    narrator = stage.narrator
    narrator.chapter(f"A team whose people come in by a role: iamGroup {ROLE_GROUP}, via: role")
    (stage.repository / "policies" / "contractors.yaml").write_text(_POLICY, encoding="utf-8")
    applied = stage.iamrbac("apply", "--yes", "--quiet")
    narrator.quote(applied.out.splitlines()[-1] if applied.out else "")
    narrator.check("the role is made, and mapped; nobody is in the group yet", applied.code == 0, applied.err)
    arn = stage.sandbox.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]
    person = _entering(stage, arn)
    _refused(stage, arn, f"{LEAVER} may not assume it")
    stage.sandbox.add_to_group(LEAVER, ROLE_GROUP)
    narrator.command(stage.sandbox.admin, f"aws iam add-user-to-group --group-name {ROLE_GROUP} --user-name {LEAVER}")
    made = person.iamrbac("kubeconfig", person=LEAVER)
    narrator.quote(made.out)
    narrator.check(f"{LEAVER} joined, and has a context, with no run of iamrbac", made.code == 0, made.out + made.err)
    person.get(LEAVER, "pods", ELSEWHERE, f"{LEAVER} may list pods in {ELSEWHERE}", 200)
    person.get(LEAVER, "pods", NAMESPACE, f"and is refused in {NAMESPACE}", 403)
    nothing_left(stage)
    stage.sandbox.remove_from_group(LEAVER, ROLE_GROUP)
    narrator.command(
        stage.sandbox.admin, f"aws iam remove-user-from-group --group-name {ROLE_GROUP} --user-name {LEAVER}"
    )
    _refused(stage, arn, f"{LEAVER} left, and cannot assume it any more, with no run (an open session ends by itself)")


def _entering(stage: Stage, role: str) -> Stage:
    """Return a stage on which iamrbac and kubectl use a profile that assumes a role, as somebody of its group has it.

    Their home is a folder of the sandbox: sessions of roles are kept where the AWS CLI keeps them, which is below it.
    """
    folder = stage.sandbox.folder
    home = folder / "home"
    home.mkdir(mode=0o700)
    profile = (
        f"[profile {ROLE_GROUP}]\nregion = {stage.sandbox.region}\nrole_arn = {role}\nsource_profile = {LEAVER}\n"
        f"role_session_name = {LEAVER}\n"
    )
    config = folder / "config"
    write_private(config, config.read_text(encoding="utf-8") + "\n" + profile)
    settings = {
        "AWS_PROFILE": ROLE_GROUP,
        "HOME": str(home),
        "KUBECONFIG": str(folder / f"kubeconfig-{ROLE_GROUP}"),
        # Where iamrbac itself may be installed follows HOME else.
        "PYTHONUSERBASE": site.getuserbase(),
    }
    return replace(stage, settings={**stage.settings, **settings})


def _refused(stage: Stage, role: str, claim: str) -> None:
    """Check that somebody's own keys get no new session of the role."""
    asked = ("--cluster-name", CLUSTER, "--region", stage.sandbox.region, "--role-arn", role)
    token = stage.iamrbac("token", *asked, person=LEAVER)
    stage.narrator.quote(token.err)
    refused = token.code != 0 and "AccessDenied" in token.err
    stage.narrator.check(claim, refused, token.err or "a token")
