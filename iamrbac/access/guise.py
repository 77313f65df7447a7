"""Whom somebody can become by way of what they may do: the nodes of the graph of escalation."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal[
    "cluster-admin",
    "node",
    "account",
    "any-account",
    "unnamed-account",
    "running",
    "stored",
    "user",
    "any-user",
    "group",
    "any-group",
    "everything-in",
    "role",
    "other",
]
WIDEST: frozenset[Kind] = frozenset({"cluster-admin", "node", "any-user", "any-group", "everything-in"})
"""What is worth telling wherever a path leads to it."""


class Guise(NamedTuple):
    """One of these. `namespace` "" is the whole cluster."""

    kind: Kind
    namespace: str = ""
    name: str = ""

    def at(self, namespace: str) -> Guise:
        """Return the same in a namespace."""
        return self._replace(namespace=namespace)

    @property
    def text(self) -> str:
        """It in words, as what somebody becomes."""
        match self.kind:
            case "cluster-admin":
                return "cluster-admin"
            case "node":
                return "a node"
            case "account":
                place = f"{self.namespace}:" if self.namespace else ""
                return f"service account {place}{self.name}{'' if place else ' of every namespace'}"
            case "any-account" | "unnamed-account":
                return f"any service account{_of(self.namespace)}"
            case "running":
                return f"the service accounts that pods{_of(self.namespace)} run as"
            case "stored":
                return f"the service accounts whose tokens are kept as secrets{_in(self.namespace)}"
            case "user":
                return f"user {self.name}"
            case "any-user":
                return "any user"
            case "group":
                return f"group {self.name}"
            case "any-group":
                return "any group"
            case "everything-in":
                return f"administrator{_of(self.namespace)}" if self.namespace else "administrator of every namespace"
            case "role":
                return f"whoever holds clusterRole {self.name}{_in(self.namespace)}"
            case "other":
                return self.name


CLUSTER_ADMIN = Guise("cluster-admin")
NODE = Guise("node")
ANY_USER = Guise("any-user")
ANY_GROUP = Guise("any-group")


def _of(namespace: str) -> str:
    return f" of {namespace}" if namespace else ""


def _in(namespace: str) -> str:
    return f" in {namespace}" if namespace else ""
