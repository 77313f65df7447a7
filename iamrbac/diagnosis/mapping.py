"""The fifth check: does the cluster take this AWS identity for anybody.

A developer may read neither entries nor rows, so that from his side most causes look alike: they are named in the order
in which they are likely. Where the maps could be read, the one that it is is named alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iamrbac.diagnosis import maps
from iamrbac.diagnosis.facts import Ended, Says, Taken
from iamrbac.diagnosis.verdict import Cause, Fixer, Verdict, failed, ok
from iamrbac.model.arn import Arn, comparable
from iamrbac.rbac.subjects import AUTHENTICATED

CHECK: Final = "mapping"
LONGEST: Final = 4096
"""Characters of a token that EKS takes (aws-iam-authenticator, pkg/token)."""


def judge(taken: Taken) -> Verdict:
    """Judge whom the cluster takes somebody for."""
    if taken.user is not None:
        groups = ", ".join(group for group in taken.user.groups if group != AUTHENTICATED)
        return ok(CHECK, f"taken for {taken.user.name}, " + (f"in {groups}" if groups else "in no group"))
    return failed(CHECK, f"{taken.caller} is taken for nobody (401)", causes(taken))


def causes(taken: Taken) -> Iterator[Cause]:
    """Yield why somebody is taken for nobody."""
    yield from _token(taken)
    says = taken.says or Says()
    yield from _suspended(says)
    if says.entries_wanted and taken.maps.mode == "CONFIG_MAP":
        name, region = taken.place.named.eks_name, taken.place.named.region
        wanted = "--access-config authenticationMode=API_AND_CONFIG_MAP"
        run = f"aws eks update-cluster-config --name {name} --region {region} {wanted}"
        text = "the policies want access entries, and the cluster's mode is CONFIG_MAP, which has none"
        yield Cause("mode-without-entries", text, Fixer.PLATFORM, run, sure=True)
    for ended in says.ended:
        if ended.mine:
            yield over(ended, taken)
    seen = tuple(maps.unmapped(taken.caller, taken.place, taken.maps))
    yield from seen
    if maps.is_whole(taken.maps):
        if not any(cause.sure for cause in seen):
            yield _nobody(taken, sure=not seen)
        return
    yield from _likely(taken, says)


def asking(cluster: str, namespace: str = "") -> str:
    """Return the command that asks for access."""
    where = f" --namespace {namespace}" if namespace else " --namespace NAMESPACE"
    return f"iamrbac request --cluster {cluster}{where} --role ROLE --for 4h --reason WHY"


def over(ended: Ended, taken: Taken) -> Cause:
    """Return that a temporary grant has ended."""
    text = f"the temporary grant {ended.name} of {ended.team} ended on {ended.not_after}"
    run = asking(taken.place.named.name, ended.namespaces[0] if ended.namespaces else "")
    return Cause(
        "grant-expired", text, Fixer.OWNERS, run, sure=ended.mine, people=ended.people, origins=(ended.origin,)
    )


def _token(taken: Taken) -> Iterator[Cause]:
    token = taken.token
    if token is None:
        return
    if token.length > LONGEST:
        text = f"the token has {token.length} characters and EKS takes {LONGEST}: the session token is too long"
        yield Cause("token-too-long", text, Fixer.YOU, "use a session with fewer or shorter session tags", sure=True)
    if token.signed_for != taken.place.true_name:
        text = f"the kubeconfig's token is for the cluster {token.signed_for}, and this one is {taken.place.true_name}"
        run = f"iamrbac kubeconfig --cluster {taken.place.named.name}"
        yield Cause("token-for-another-cluster", text, Fixer.YOU, run, sure=True)


def _suspended(says: Says) -> Iterator[Cause]:
    if says.suspended:
        text = "this identity is under `suspended` in iamrbac.yaml: it gets nothing anywhere"
        yield Cause("suspended", text, Fixer.PLATFORM, "ask why, and for the line to be taken out", sure=True)


def _likely(taken: Taken, says: Says) -> Iterator[Cause]:
    place, me = taken.place, comparable(taken.caller)
    others = [role for role in says.roles if comparable(role) != me]
    if says.expected:
        text = "the policies name this identity here, and that is not applied, or was taken away on the cluster since"
        yield Cause("not-applied", text, Fixer.PLATFORM, f"iamrbac plan --cluster {place.named.name}")
    elif others and len(others) == len(says.roles):
        text = f"people get in here as a role that their IAM group may assume: {', '.join(others[:3])}"
        run = f"iamrbac kubeconfig --cluster {place.named.name} --role-arn {others[0]}"
        yield Cause("role-not-assumed", text, Fixer.YOU, run)
    account = _account(taken.caller)
    if account and place.cluster_account and account != place.cluster_account:
        text = f"the credentials are of account {account}, and the cluster is in {place.cluster_account}"
        yield Cause(
            "wrong-account",
            text,
            Fixer.YOU,
            "use the profile that is meant: AWS_PROFILE=… (aws configure list-profiles)",
        )
    if not says.expected:
        yield _nobody(taken, sure=False)
    yield from _behind(taken)
    for ended in says.ended:
        if not ended.mine:
            yield over(ended, taken)


def _nobody(taken: Taken, *, sure: bool) -> Cause:
    owner = taken.says.owner if taken.says is not None else None
    text = "no access entry and no row of aws-auth names this identity"
    run = f"{asking(taken.place.named.name)}, or ask for access for {comparable(taken.caller)}"
    return Cause("not-mapped", text, Fixer.PLATFORM, run, sure=sure, people=owner.people if owner is not None else ())


def _behind(taken: Taken) -> Iterator[Cause]:
    """Yield what is wrong behind an identity that should be known; the platform team can see which it is."""
    run = f"ask them to run: iamrbac doctor --cluster {taken.place.named.name} --principal {taken.caller}"
    mode = taken.maps.mode
    if mode != "CONFIG_MAP":
        text = "its access entry is of a user or role that was deleted and made again, and EKS knows the old unique id"
        yield Cause("entry-of-deleted-principal", text, Fixer.PLATFORM, run)
    if mode != "API":
        role = ":assumed-role/" in taken.caller or ":role/" in taken.caller
        id_, what = (
            ("role-path-in-aws-auth", "a role with its path")
            if role
            else ("user-path-missing", "the user without the path")
        )
        yield Cause(id_, f"its row in aws-auth has {what}, which EKS never matches", Fixer.PLATFORM, run)
        text = "a section of aws-auth does not parse, and EKS takes it for empty"
        yield Cause("section-unreadable", text, Fixer.PLATFORM, run)


def _account(arn: str) -> str:
    try:
        return Arn.parse(arn).account
    except ValueError:
        return ""
