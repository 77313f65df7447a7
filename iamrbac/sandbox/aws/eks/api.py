"""EKS over HTTP: the operations that moto lacks are answered here, the others are handed on to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from iamrbac.model.arn import partition_of
from iamrbac.sandbox.aws.eks import errors, policies, rules
from iamrbac.sandbox.aws.eks.access import MODES, ClusterAccess, Entry
from iamrbac.sandbox.aws.eks.clusters import Clusters
from iamrbac.sandbox.aws.eks.errors import EksError, InvalidParameterError, NotFoundError, ResourceNotFoundError
from iamrbac.sandbox.aws.eks.routes import operation
from iamrbac.sandbox.aws.eks.wire import (
    association_json,
    body_of,
    entry_json,
    page,
    refusal,
    reply,
    tags_of,
    text,
    texts,
    update_json,
)
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.aws.keys import account_of, find_key, unique_id

Forward: TypeAlias = Callable[[], Reply]
Handler: TypeAlias = Callable[[AwsRequest, tuple[str, ...]], Reply]


class EksApi:
    """Answers EKS requests; `clusters` is what it keeps."""

    def __init__(self, clusters: Clusters) -> None:
        self.clusters = clusters
        self._handlers: dict[str, Handler] = {
            "DescribeUpdate": self._describe_update,
            "ListUpdates": self._list_updates,
            "ListAccessEntries": self._list_entries,
            "CreateAccessEntry": self._create_entry,
            "DescribeAccessEntry": self._describe_entry,
            "UpdateAccessEntry": self._update_entry,
            "DeleteAccessEntry": self._delete_entry,
            "ListAssociatedAccessPolicies": self._list_associated,
            "AssociateAccessPolicy": self._associate,
            "DisassociateAccessPolicy": self._disassociate,
            "ListAccessPolicies": self._list_policies,
        }

    def answer(self, request: AwsRequest, forward: Forward) -> Reply:
        """Answer one request; `forward` asks moto."""
        name, arguments = operation(request)
        cluster = arguments[0] if request.segments[0] == "clusters" and arguments else None
        with self.clusters.lock:
            try:
                return self._answer(name, request, arguments, forward)
            except EksError as error:
                return refusal(error, cluster)

    def _answer(self, name: str, request: AwsRequest, arguments: tuple[str, ...], forward: Forward) -> Reply:
        if name in self._handlers:
            return self._handlers[name](request, arguments)
        if name == "CreateCluster":
            return self._create_cluster(request, forward)
        if name == "UpdateClusterConfig" and "accessConfig" in body_of(request):
            return self._update_config(request, arguments)
        if name.endswith(("TagResource", "TagsForResource")) or name == "UntagResource":
            entry = self._tagged(request, arguments[0])
            if entry is not None:
                return self._tags(name, request, entry)
        self.clusters.settle(account_of(request.access_key), request.region)
        return forward()

    def _access(self, request: AwsRequest, name: str) -> ClusterAccess:
        return self.clusters.access(account_of(request.access_key), request.region, name)

    def _create_cluster(self, request: AwsRequest, forward: Forward) -> Reply:
        body = body_of(request)
        asked = body.get("accessConfig") or {}
        mode = asked.get("authenticationMode", "CONFIG_MAP")
        bootstrap = asked.get("bootstrapClusterCreatorAdminPermissions", True)
        if mode not in MODES:
            raise InvalidParameterError(f"Unsupported authentication mode {mode}")
        if mode == "CONFIG_MAP" and not bootstrap:
            raise InvalidParameterError(errors.NO_BOOTSTRAP)
        made = forward()
        if made.status != 200:
            return made
        account = account_of(request.access_key)
        access = self.clusters.begin(account, request.region, text(body, "name"), mode, bool(bootstrap))
        key = find_key(request.access_key, access.partition)
        if mode != "CONFIG_MAP" and bootstrap and key is not None and ":user/" in key.identity.arn:
            self.make_admin(access, key.identity.arn)
        shown = json.loads(made.body)
        shown["cluster"]["accessConfig"] = {
            "authenticationMode": mode,
            "bootstrapClusterCreatorAdminPermissions": bootstrap,
        }
        return reply(shown)

    def make_admin(self, access: ClusterAccess, principal: str) -> Entry:
        """Give a principal what EKS gives a cluster's creator: an entry with AmazonEKSClusterAdminPolicy."""
        now = self.clusters.now()
        entry = access.create(principal, now, unique_id)
        access.associate(principal, policies.policy_arn(access.partition, policies.CLUSTER_ADMIN), "cluster", (), now)
        return entry

    def _update_config(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access = self._access(request, arguments[0])
        body = body_of(request)
        others = set(body) - {"accessConfig", "clientRequestToken"}
        if others:
            raise InvalidParameterError("Only one type of update can be allowed.")
        asked = text(body["accessConfig"] or {}, "authenticationMode")
        update = access.change_mode(asked, self.clusters.now())
        shown = update_json(update)
        self._access(request, arguments[0])
        return reply({"update": shown})

    def _describe_update(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        update = self._access(request, arguments[0]).updates.get(arguments[1])
        if update is None:
            raise ResourceNotFoundError(f"No update found for ID: {arguments[1]}")
        return reply({"update": update_json(update)})

    def _list_updates(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        ids, more = page(sorted(self._access(request, arguments[0]).updates), request.query)
        return reply({"updateIds": ids, **more})

    def _list_entries(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access = self._access(request, arguments[0])
        names, more = page(access.all_entries(request.query.get("associatedPolicyArn", "")), request.query)
        return reply({"accessEntries": names, **more})

    def _create_entry(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access, body = self._access(request, arguments[0]), body_of(request)
        entry = access.create(
            text(body, "principalArn"),
            self.clusters.now(),
            unique_id,
            username=text(body, "username"),
            groups=texts(body, "kubernetesGroups") or (),
            type_=text(body, "type") or rules.STANDARD,
            tags=tags_of(body),
            token=text(body, "clientRequestToken"),
        )
        return reply({"accessEntry": entry_json(access, entry)})

    def _describe_entry(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access = self._access(request, arguments[0])
        return reply({"accessEntry": entry_json(access, access.entry(arguments[1]))})

    def _update_entry(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access, body = self._access(request, arguments[0]), body_of(request)
        groups = texts(body, "kubernetesGroups")
        entry = access.update(arguments[1], self.clusters.now(), text(body, "username") or None, groups)
        return reply({"accessEntry": entry_json(access, entry)})

    def _delete_entry(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        self._access(request, arguments[0]).delete(arguments[1])
        return reply({})

    def _list_associated(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access = self._access(request, arguments[0])
        associations = access.entry(arguments[1]).associations
        arns, more = page(sorted(associations), request.query)
        shown = [association_json(associations[arn]) for arn in arns]
        names = {"clusterName": access.name, "principalArn": arguments[1]}
        return reply({**names, "associatedAccessPolicies": shown, **more})

    def _associate(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        access, body = self._access(request, arguments[0]), body_of(request)
        scope: dict[str, Any] = body.get("accessScope") or {}
        association = access.associate(
            arguments[1],
            text(body, "policyArn"),
            text(scope, "type"),
            texts(scope, "namespaces") or (),
            self.clusters.now(),
        )
        names = {"clusterName": access.name, "principalArn": arguments[1]}
        return reply({**names, "associatedAccessPolicy": association_json(association)})

    def _disassociate(self, request: AwsRequest, arguments: tuple[str, ...]) -> Reply:
        self._access(request, arguments[0]).disassociate(arguments[1], arguments[2])
        return reply({})

    def _list_policies(self, request: AwsRequest, _arguments: tuple[str, ...]) -> Reply:
        partition = partition_of(request.region)
        names, more = page(sorted(policies.NAMES), request.query)
        shown = [{"name": name, "arn": policies.policy_arn(partition, name)} for name in names]
        return reply({"accessPolicies": shown, **more})

    def _tagged(self, request: AwsRequest, arn: str) -> Entry | None:
        """Return the entry that a tag operation names; None where it names something else, which moto knows."""
        if ":access-entry/" not in arn:
            return None
        for access in self.clusters.everything(account_of(request.access_key), request.region):
            for entry in access.entries.values():
                if entry.arn == arn:
                    return entry
        raise NotFoundError(f"No resource found for ARN: {arn}")

    def _tags(self, name: str, request: AwsRequest, entry: Entry) -> Reply:
        if name == "TagResource":
            tags = {**entry.tags, **tags_of(body_of(request))}
            rules.check_tags(tags)
            entry.tags = tags
        elif name == "UntagResource":
            gone = request.query_lists.get("tagKeys", [])
            entry.tags = {key: value for key, value in entry.tags.items() if key not in gone}
        else:
            return reply({"tags": dict(entry.tags)})
        return reply({})
