"""Our authorizer and our validation against the API server's own, on whole random states of RBAC."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, Rule, Subject, User
from iamrbac.rbac.validate import manifest_problems
from iamrbac.rbac.wire import binding_to_json, role_to_json
from tests.rbac.strategies import NAMESPACES, requests, states, users
from tests.conformance.http import RBAC, Client, settled

QUESTIONS = 5
EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "600")) // QUESTIONS
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_LAG_SECONDS = 0.1
_ACCOUNT = "system:serviceaccount:"
_COUNT = itertools.count()


class World:
    """Names of its own for one example, so that no example meets another one's objects."""

    def __init__(self) -> None:
        self.mark = f"w{next(_COUNT)}-"

    def name(self, text: str) -> str:
        """A subject's or a user's name."""
        if text.startswith(_ACCOUNT):
            return _ACCOUNT + self.mark + text.removeprefix(_ACCOUNT)
        return self.mark + text

    def namespace(self, text: str | None) -> str | None:
        """A namespace's name, where there is one."""
        return self.mark + text if text else text

    def role(self, role: Role) -> Role:
        """A role, in this world."""
        return replace(role, name=self.mark + role.name, namespace=self.namespace(role.namespace))

    def binding(self, binding: Binding) -> Binding:
        """A binding, in this world."""
        subjects = tuple(self._subject(subject) for subject in binding.subjects)
        ref = replace(binding.role_ref, name=self.mark + binding.role_ref.name)
        name, namespace = self.mark + binding.name, self.namespace(binding.namespace)
        return replace(binding, name=name, namespace=namespace, role_ref=ref, subjects=subjects)

    def _subject(self, subject: Subject) -> Subject:
        # A service account's name is made of its namespace's, which has the mark already.
        name = subject.name if subject.kind == "ServiceAccount" else self.name(subject.name)
        return replace(subject, name=name, namespace=self.namespace(subject.namespace))

    def user(self, user: User) -> User:
        """Who asks, in this world."""
        return User(self.name(user.name), tuple(map(self.name, user.groups)))

    def request(self, request: Request) -> Request:
        """What is asked, in this world."""
        return replace(request, namespace=self.namespace(request.namespace) or "")


def load(admin: Client, state: RbacState) -> RbacState:
    """Create the objects; the server must take exactly what our validation does. Returns what it took."""
    roles = tuple(role for role in state.roles if create(admin, role_to_json(role)))
    bindings = tuple(binding for binding in state.bindings if create(admin, binding_to_json(binding)))
    return RbacState(roles, bindings)


def create(admin: Client, manifest: dict[str, Any]) -> bool:
    """POST a manifest and return whether it was taken, which our validation must have known."""
    namespace = manifest["metadata"].get("namespace")
    place = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
    answer = admin.post(f"{place}/{manifest['kind'].lower()}s", manifest)
    wrong = manifest_problems(manifest)
    assert answer.code == (422 if wrong else 201), (wrong, manifest, answer.raw)
    return not wrong


def allowed(admin: Client, user: User, request: Request) -> bool:
    """What a SubjectAccessReview says."""
    if request.path:
        what: dict[str, Any] = {"nonResourceAttributes": {"verb": request.verb, "path": request.path}}
    else:
        fields = {"group": request.api_group, "subresource": request.subresource, "name": request.name}
        place = {"verb": request.verb, "resource": request.resource, "namespace": request.namespace}
        what = {"resourceAttributes": {key: value for key, value in {**fields, **place}.items() if value}}
    answer = admin.post(REVIEWS, {"spec": {"user": user.name, "groups": list(user.groups), **what}})
    assert answer.code == 201, answer.raw
    return bool(answer.json["status"]["allowed"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[RbacState, User, list[Request]]:
    """A state, somebody, and questions: most of them near what a binding and a role in the state are about."""
    state, user, asked = draw(states()), draw(users), draw(st.lists(requests, min_size=QUESTIONS, max_size=QUESTIONS))
    resolved = [(one, Authorizer(state).role_of(one)) for one in state.bindings if one.subjects]
    chains = [(binding, role) for binding, role in resolved if role is not None and role.rules]
    if chains:
        binding, role = draw(st.sampled_from(chains))
        user = named_by(draw(st.sampled_from(binding.subjects)), user)
        near = st.builds(about, st.sampled_from(role.rules), st.sampled_from((binding.namespace or "", "blue", "")))
        asked = [draw(st.one_of(near, near, st.just(one))) for one in asked]
    return state, user, asked


def named_by(subject: Subject, other: User) -> User:
    """Somebody whom a subject names."""
    if subject.kind == "Group":
        return replace(other, groups=(*other.groups, subject.name))
    if subject.kind == "ServiceAccount":
        return replace(other, name=f"{_ACCOUNT}{subject.namespace}:{subject.name}")
    return replace(other, name=subject.name)


def about(rule: Rule, namespace: str) -> Request:
    """A question that a rule answers with yes."""
    verb = rule.verbs[0].replace("*", "get")
    if rule.non_resource_urls:
        return Request(verb, path=rule.non_resource_urls[0].replace("*", "x"))
    resource, _, subresource = rule.resources[0].partition("/")
    name = rule.resource_names[0] if rule.resource_names else ""
    group = rule.api_groups[0].replace("*", "batch")
    return Request(verb, resource.replace("*", "pods"), group, subresource.replace("*", "exec"), name, namespace)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_the_server_answers_as_our_authorizer(admin: Client, case: tuple[RbacState, User, list[Request]]) -> None:
    state, user, asked = case
    world = World()
    for namespace in NAMESPACES:
        assert admin.post("/api/v1/namespaces", {"metadata": {"name": world.namespace(namespace)}}).code == 201
    named = RbacState(tuple(map(world.role, state.roles)), tuple(map(world.binding, state.bindings)))
    authorizer = Authorizer(load(admin, named))
    # The server judges by caches that follow its writes.
    time.sleep(_LAG_SECONDS)
    person = world.user(user)
    for request in map(world.request, asked):
        expected = authorizer.allowed_by(person, request) is not None
        event(f"allowed: {expected}")
        assert settled(partial(allowed, admin, person, request), expected) == expected, request
