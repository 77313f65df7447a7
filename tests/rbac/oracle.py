"""The semantics again, as slow and as plain as they can be said; nothing here uses the code under test."""

from __future__ import annotations

from itertools import product

from iamrbac.rbac.objects import Binding, RbacState, Request, Role, Rule, Subject, User


def allows(rule: Rule, request: Request) -> bool:
    """Break the rule into single entries and ask each."""
    if request.path:
        return any(
            verb in ("*", request.verb) and _url(url, request.path)
            for verb, url in product(rule.verbs, rule.non_resource_urls)
        )
    wanted = request.resource + ("/" + request.subresource if request.subresource else "")
    names = rule.resource_names or (request.name,)
    for verb, group, resource, name in product(rule.verbs, rule.api_groups, rule.resources, names):
        by_subresource = request.subresource != "" and resource == "*/" + request.subresource
        if (
            (verb == "*" or verb == request.verb)
            and (group == "*" or group == request.api_group)
            and (resource == "*" or resource == wanted or by_subresource)
            and name == request.name
        ):
            return True
    return False


def _url(entry: str, path: str) -> bool:
    if entry == path:
        return True
    if not entry.endswith("*"):
        return False
    while entry.endswith("*"):
        entry = entry[:-1]
    return path[: len(entry)] == entry


def applies(subject: Subject, binding: Binding, user: User) -> bool:
    if subject.kind == "User":
        return subject.name == user.name
    if subject.kind == "Group":
        return subject.name in user.groups
    if subject.kind == "ServiceAccount":
        namespace = subject.namespace or binding.namespace or ""
        return namespace != "" and user.name == "system:serviceaccount:" + namespace + ":" + subject.name
    return False


def role_of(state: RbacState, binding: Binding) -> Role | None:
    for role in state.roles:
        if (role.kind, role.name) == (binding.role_ref.kind, binding.role_ref.name) and (
            role.kind == "ClusterRole" or (binding.namespace is not None and role.namespace == binding.namespace)
        ):
            return role
    return None


def allowed(state: RbacState, user: User, request: Request) -> bool:
    if "system:masters" in user.groups:
        return True
    for binding in state.bindings:
        in_scope = binding.kind == "ClusterRoleBinding" or (
            request.namespace != "" and binding.namespace == request.namespace
        )
        role = role_of(state, binding)
        if (
            in_scope
            and role is not None
            and any(applies(subject, binding, user) for subject in binding.subjects)
            and any(allows(rule, request) for rule in role.rules)
        ):
            return True
    return False


FRESH = "zz-fresh"


def sample(rule: Rule) -> list[Request]:
    """Return one request for each part of a rule, hard to allow: stars stand for names that nobody else wrote."""

    def concrete(text: str) -> str:
        return text.rstrip("*") + FRESH if text.endswith("*") else text

    asked = []
    for verb, group, resource, name in product(
        rule.verbs, rule.api_groups, rule.resources, rule.resource_names or (FRESH,)
    ):
        main, _, sub = resource.partition("/")
        for subresource in ("", FRESH) if resource == "*" else (sub,):
            # Only a star alone, or before the slash, stands for anything; elsewhere it is a letter like others.
            asked.append(Request(concrete(verb), FRESH if main == "*" else main, concrete(group), subresource, name))
    for verb, url in product(rule.verbs, rule.non_resource_urls):
        asked.append(Request(concrete(verb), path=concrete(url)))
    return asked
