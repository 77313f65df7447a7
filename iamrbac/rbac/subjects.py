"""Whom a binding names, and the group that everybody who logs in has.

Source: Kubernetes' plugin/pkg/auth/authorizer/rbac and apiserver's AuthenticatedGroupAdder."""

from __future__ import annotations

from typing import Literal, NamedTuple

from iamrbac.rbac.objects import Subject, User

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
SERVICE_ACCOUNT = "system:serviceaccount:"


class SubjectKey(NamedTuple):
    """What a subject is compared by: a user's name or a group's. A service account is the user that it logs in as."""

    kind: Literal["User", "Group"]
    name: str


def subject_key(subject: Subject, binding_namespace: str | None) -> SubjectKey | None:
    """Return what `subject` of a binding in `binding_namespace` matches; None when it never matches anybody.

    That is an unknown kind, or a ServiceAccount without any namespace. Kinds are compared as written.
    """
    match subject.kind:
        case "User":
            return SubjectKey("User", subject.name)
        case "Group":
            return SubjectKey("Group", subject.name)
        case "ServiceAccount":
            namespace = subject.namespace or binding_namespace
            return SubjectKey("User", f"{SERVICE_ACCOUNT}{namespace}:{subject.name}") if namespace else None
        case _:
            return None


def keys_of(user: User) -> tuple[SubjectKey, ...]:
    """Return every subject key that names `user`: the name, then each group once, in order."""
    return (SubjectKey("User", user.name), *(SubjectKey("Group", group) for group in dict.fromkeys(user.groups)))


def with_authenticated(user: User) -> User:
    """Return `user` as the API server's authenticator hands it on: with the group system:authenticated.

    The anonymous user, and one who is in system:authenticated or system:unauthenticated already, stay as they are.
    """
    if user.name == ANONYMOUS or AUTHENTICATED in user.groups or UNAUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED))
