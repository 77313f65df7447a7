"""Every name that anybody here has: who has no access is known all the same, who is misspelt is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from iamrbac.access.expected.mistake import WHO, Guesses, MistakeError
from iamrbac.access.judge import Judge
from iamrbac.access.naming import names_of
from iamrbac.compile.documents import Documents
from iamrbac.compile.sets import AccessSet
from iamrbac.identity.snapshot import Identities
from iamrbac.mapping.resolve import identity
from iamrbac.model.config import Config
from iamrbac.model.documents import Member
from iamrbac.model.selection import is_pattern, matches
from iamrbac.rbac.subjects import (
    ANONYMOUS,
    AUTHENTICATED,
    MASTERS,
    SERVICE_ACCOUNT,
    UNAUTHENTICATED,
    subject_key,
)

_GROUPS = (AUTHENTICATED, UNAUTHENTICATED, MASTERS, "system:nodes", "system:serviceaccounts")
_FAMILIES = (SERVICE_ACCOUNT, "system:serviceaccounts:", "system:node:")
"""Names that begin so need nobody to name them."""


class Known:
    """Tells a name from a slip of the pen."""

    def __init__(
        self,
        config: Config,
        members: Collection[str],
        sets: Iterable[AccessSet],
        judges: Mapping[str, Judge],
        identities: Identities | None,
        guesses: Guesses,
    ) -> None:
        """Take members as declared, and everything else that has names."""
        self._config = config
        self._members = members
        self._sets = sets
        self._judges = judges
        self._identities = identities
        self._guesses = guesses

    def check_called(self, text: str) -> None:
        """Raise MistakeError where nobody anywhere is called so, or has a name that the pattern matches."""
        if text == "*":
            return
        names = self._names
        known = any(matches(text, name) for name in names) if is_pattern(text) else text in names
        if not known and identity(text) not in self._identified:
            hint = "iamrbac access lists everybody"
            if self._identities is None:
                hint += "; the people of IAM groups are known with --identities FILE"
            raise MistakeError(WHO, f"nobody is called {text} here", self._guesses.suggest(text, names, hint))

    def check_subject(self, kind: str, name: str) -> None:
        """Raise MistakeError for a user or a group of Kubernetes that nothing names; service accounts are not known."""
        if kind == "serviceaccount":
            if not all(name.replace("/", ":").partition(":")):
                raise MistakeError(WHO, f"{name} names no service account", "write serviceaccount:NAMESPACE:NAME")
            return
        known = self._subjects[kind.capitalize()]
        if name not in known and not name.startswith(_FAMILIES):
            hint = self._guesses.suggest(name, known, "name one that a policy or a binding names")
            raise MistakeError(WHO, f"nothing here names the Kubernetes {kind} {name}", hint)

    @cached_property
    def _subjects(self) -> Mapping[str, set[str]]:
        found = {"User": {ANONYMOUS}, "Group": {*_GROUPS, *(one.group for one in self._sets)}}
        for judge in self._judges.values():
            for one in judge.everybody():
                found["User"].add(one.user.name)
                found["Group"].update(one.user.groups)
            for binding in judge.world.rbac.bindings:
                for subject in binding.subjects:
                    key = subject_key(subject, binding.namespace)
                    if key is not None:
                        found[key.kind].add(key.name)
        return found

    @cached_property
    def _principals(self) -> frozenset[str]:
        snapshot = self._identities or Identities()
        people = {arn for arns in snapshot.groups.values() if isinstance(arns, tuple) for arn in arns}
        single = {arn for arn in snapshot.principals.values() if isinstance(arn, str)}
        here = {one.principal for judge in self._judges.values() for one in judge.everybody()}
        return frozenset({*people, *single, *here, *self._members, *self._config.suspended})

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for principal in self._principals for name in names_of(principal))

    @cached_property
    def _identified(self) -> frozenset[str]:
        return frozenset(identity(principal) for principal in self._principals)


def declared(documents: Documents) -> Iterator[Member]:
    """Yield every member of every set, of grants that are over too."""
    for policy in documents.policies:
        for members in policy.document.spec.members.values():
            yield from members
    for grant in documents.grants:
        yield from grant.document.spec.members
