"""Members, and other principals that are named: each can be told who it is, and EKS can take it."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.compile.check.said import NamedSet, Said, error, info, listed
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.permission_sets import PATH, set_of
from iamrbac.model.arn import SERVICE_LINKED, Arn, canonical, partition_of
from iamrbac.model.documents import IamGroup, IamRole, IamUser, Member
from iamrbac.model.origin import Path

_KEYS = {"user": "iamUser", "role": "iamRole", "group": "iamGroup"}
_WORDS = {"root": "the root user of an account", "instance-profile": "an instance profile"}


def members(said: Said) -> Iterator[Finding]:
    """POL014 to POL018, POL024 and POL028, for every member of every set and grant."""
    for one in said.sets:
        for index, member in enumerate(one.members):
            yield from _Member(said, one, member, (*one.path, index)).findings()


def listed_principals(said: Said) -> Iterator[Finding]:
    """POL019 an entry of `suspended` or of the protected principals that is no ARN of a user or role."""
    config = said.config
    lists: tuple[tuple[Path, tuple[str, ...]], ...] = (
        (("suspended",), config.suspended),
        (("guards", "protectedPrincipals"), config.guards.protected_principals),
    )
    for path, entries in lists:
        for index, entry in enumerate(entries):
            fault = _listed_fault(entry)
            if fault is not None:
                yield error("POL019", said.config_file, (*path, index), *fault)


def _listed_fault(entry: str) -> tuple[str, str] | None:
    try:
        arn = Arn.parse(entry)
    except ValueError as fault:
        return str(fault), "write the ARN of an IAM user or role: a name alone could be meant in any account"
    if arn.kind in ("user", "role"):
        return None
    if arn.kind == "assumed-role":
        return f"{entry} is one session of a role", f"write the role: {canonical(entry)}, with its path if it has one"
    return f"{entry} is {_words(arn)}, and only users and roles can be listed here", "write ARNs of users or roles"


def _words(arn: Arn) -> str:
    return _WORDS.get(arn.kind, f"a {arn.kind}")


class _Member:
    """One member, while it is looked at."""

    def __init__(self, said: Said, one: NamedSet, member: Member, path: Path) -> None:
        self.said = said
        self.one = one
        self.member = member
        self.path = path

    def findings(self) -> Iterator[Finding]:
        if isinstance(self.member, IamGroup):
            yield from self._principal("group", self.member.iam_group)
            if self.member.via != "users":
                yield from self._via(self.member)
        elif isinstance(self.member, IamUser):
            yield from self._principal("user", self.member.iam_user)
        elif isinstance(self.member, IamRole):
            yield from self._principal("role", self.member.iam_role)

    def _via(self, member: IamGroup) -> Iterator[Finding]:
        identity = self.said.config.identity
        default = identity.groups if identity is not None else None
        via = member.via or default
        if via is None:
            message = f"it is not said how the group {member.iam_group} becomes principals, and there is no default"
            hint = f"write via: users here, or identity: {{groups: users}} in {self.said.config_file}"
            yield self._error("POL015", "iamGroup", message, hint)

    def _principal(self, kind: str, text: str) -> Iterator[Finding]:
        key = _KEYS[kind]
        if not text.startswith("arn:"):
            if kind == "role":
                folders, _, name = text.rpartition("/")
                yield from self._reserved(name, f"/{folders}/" if folders else None)
            if kind != "role" and self.member.account is None and self.said.config.identity is None:
                message = f"it is not said which account the {kind} {text} is in"
                hint = f"write identity: {{account: …}} in {self.said.config_file}, account: here, or the ARN"
                yield self._error("POL016", key, message, hint)
            return
        try:
            arn = Arn.parse(text)
        except ValueError as fault:
            yield self._error("POL018", key, str(fault), f"write the {kind}'s name, or copy its ARN from IAM")
            return
        if arn.kind != kind:
            yield self._other_kind(key, kind, arn)
            return
        if kind == "role":
            reserved = tuple(self._reserved(arn.name, arn.path))
            yield from reserved
            if any(one.level is Level.ERROR for one in reserved):
                return
        if self.member.account not in (None, arn.account):
            message = f"the ARN is in account {arn.account}, and account: says {self.member.account}"
            yield self._error("POL024", "account", message, "remove account: beside an ARN")
        yield from self._partition(key, arn)

    def _reserved(self, name: str, path: str | None) -> Iterator[Finding]:
        """A role that is AWS's own: a service's, or one that Identity Center makes for a permission set.

        `path` is None where only the name is said.
        """
        # IAM lets nobody else begin a role's name so.
        if (path or "").startswith(SERVICE_LINKED) or name.startswith("AWSServiceRoleFor"):
            message = f"{name} is a service-linked role, which EKS refuses as a principal"
            yield self._error("POL018", "iamRole", message, "name a role that people or pipelines assume")
            return
        found = set_of(name)
        if found is None:
            return
        message, hint = f"{name} is the role of a permission set", f"write permissionSet: {found}"
        if path is not None and not path.startswith(PATH):
            yield self._error("POL018", "iamRole", f"{message}, which is below {PATH}", hint)
        else:
            message += "; its last part changes when Identity Center makes it anew"
            yield info("POL028", self.one.file, (*self.path, "iamRole"), message, hint)

    def _other_kind(self, key: str, kind: str, arn: Arn) -> Finding:
        if arn.kind == "assumed-role":
            message = f"{arn} is one session, and access is given to its role"
            found = set_of(arn.name)
            if found is not None:
                return self._error("POL018", key, message, f"write permissionSet: {found}")
            path_hint = f"write iamRole: {canonical(str(arn))}, with the role's path if it has one"
            return self._error("POL018", key, message, path_hint)
        hint = f"write {_KEYS[arn.kind]}: {arn}" if arn.kind in _KEYS else f"name an IAM {kind}"
        return self._error("POL018", key, f"{arn} is {_words(arn)}, and {key} means a {kind}", hint)

    def _partition(self, key: str, arn: Arn) -> Iterator[Finding]:
        elsewhere = [one.name for one in self.one.clusters() if partition_of(one.region) != arn.partition]
        if elsewhere:
            message = f"the ARN is of partition {arn.partition}, and so cannot enter {listed(elsewhere)}"
            hint = "give that cluster a principal of its own partition, in a set of its own"
            yield error("POL017", self.one.file, (*self.path, key), message, hint, elsewhere)

    def _error(self, id_: str, key: str, message: str, hint: str) -> Finding:
        return error(id_, self.one.file, (*self.path, key), message, hint)
