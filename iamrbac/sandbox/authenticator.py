"""From an EKS bearer token to a Kubernetes user, as EKS does it, and what EKS access policies add to RBAC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from iamrbac.access.eks_policies import reaches
from iamrbac.access.eks_policies import rules as policy_rules
from iamrbac.mapping import aws_auth
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.mapping.resolve import Mapped, resolve
from iamrbac.model.arn import Arn, canonical
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request, Role, User
from iamrbac.sandbox.aws import sts
from iamrbac.sandbox.aws.eks.access import Association, ClusterAccess, Entry
from iamrbac.sandbox.aws.eks.clusters import Clusters
from iamrbac.sandbox.eks_token import CLUSTER_HEADER, TokenError, read_token
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.mappings import Mappings

UID = "aws-iam-authenticator"
PRINCIPAL_ID = "principalId"


class Authenticator:
    """One cluster's authentication, and its authorization by access policies. Nothing is cached: changes count at once.

    `aws_auth` gives the ConfigMap's data (None: there is none), `built_in` the cluster's built-in ClusterRoles.
    """

    def __init__(
        self,
        clusters: Clusters,
        account: str,
        region: str,
        name: str,
        aws_auth: Callable[[], Mapping[str, str] | None],
        built_in: Callable[[], Mapping[str, Role]],
    ) -> None:
        self._clusters = clusters
        self._key = (account, region, name)
        self._name = name
        self._aws_auth = aws_auth
        self._built_in = built_in

    def authenticate(self, token: str) -> Caller | None:
        """Return whom a token's holder is; None (401) where it is no good, or nothing maps its principal."""
        now = self._clusters.now()
        with self._clusters.lock:
            partition = self._clusters.access(*self._key).partition
        try:
            verified = self._verify(token, partition, now)
        except (TokenError, sts.RefusedError):
            return None
        principal_id = verified.identity.user_id.partition(":")[0]
        with self._clusters.lock:
            access = self._clusters.access(*self._key)
            entries, mode = self._entries(access, principal_id), access.mode
        # The cluster's own lock is taken here, so ours must be free: it asks `allows` while it holds its lock.
        reading = None if mode == "API" else aws_auth.read(self._aws_auth() or {})
        mapped = resolve(verified.identity.arn, entries, reading)
        return None if mapped is None else _caller(verified, mapped, principal_id)

    def allows(self, caller: Caller, request: Request) -> bool:
        """Return whether an access policy of the caller's entry allows a request.

        Somebody who is impersonated has none of them: his uid is not one that authentication gave (eks-facts §1.4).
        """
        ids = caller.extra.get(PRINCIPAL_ID, ())
        if len(ids) != 1 or not caller.uid.startswith(f"{UID}:") or not caller.uid.endswith(f":{ids[0]}"):
            return False
        with self._clusters.lock:
            access = self._clusters.access(*self._key)
            entries = () if access.mode == "CONFIG_MAP" else tuple(access.entries.values())
            found = [
                _association(entry.principal, association)
                for entry in entries
                if entry.principal_id == ids[0]
                for association in entry.associations.values()
            ]
        return self._any_allows(found, request)

    def mappings(self) -> Mappings:
        """Return the cluster's mode and entries as they are now, each entry with the unique id that it is about."""
        with self._clusters.lock:
            access = self._clusters.access(*self._key)
            entries = () if access.mode == "CONFIG_MAP" else tuple(access.entries.values())
            return Mappings(access.mode, tuple((entry.principal_id, _pure(entry)) for entry in entries))

    def _verify(self, token: str, partition: str, now: datetime) -> sts.Verified:
        """Send what the token carries to STS, with this cluster's own name in the signed header."""
        presigned = read_token(token, partition, now)
        return sts.verify(presigned.query_text, {"host": presigned.host, CLUSTER_HEADER: self._name}, now)

    def _entries(self, access: ClusterAccess, principal_id: str) -> list[AccessEntry]:
        """Return the caller's entry: EKS compares unique ids, so that a principal made anew is somebody else."""
        if access.mode == "CONFIG_MAP":
            return []
        return [_pure(entry) for entry in access.entries.values() if entry.principal_id == principal_id]

    def _any_allows(self, associations: Iterable[PolicyAssociation], request: Request) -> bool:
        built_in = self._built_in()
        return any(
            allows(rule, request)
            for association in associations
            if reaches(association, request.namespace)
            for rule in policy_rules(association.policy.rsplit("/", 1)[-1], built_in) or ()
        )


def _pure(entry: Entry) -> AccessEntry:
    return AccessEntry(entry.principal, entry.username, entry.groups, entry.type)


def _caller(verified: sts.Verified, mapped: Mapped, principal_id: str) -> Caller:
    """Return the TokenReview's user (aws-iam-authenticator, pkg/server/server.go)."""
    identity = verified.identity
    session = Arn.parse(identity.arn).session
    extra = {
        "arn": (identity.arn,),
        "canonicalArn": (canonical(identity.arn),),
        "accessKeyId": (verified.access_key,),
        PRINCIPAL_ID: (principal_id,),
        "sessionName": (session,),
        f"sigs.k8s.io/aws-iam-authenticator/{PRINCIPAL_ID}": (principal_id,),
    }
    username, *groups = (
        text.replace("{{AccessKeyID}}", verified.access_key) for text in (mapped.username, *mapped.groups)
    )
    return Caller(User(username, tuple(groups)), f"{UID}:{identity.account}:{principal_id}", extra)


def _association(principal: str, association: Association) -> PolicyAssociation:
    return PolicyAssociation(principal, association.policy, association.scope, association.namespaces)
