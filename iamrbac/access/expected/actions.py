"""What a test asks for: verbs and resources as RBAC rules spell them, wildcards as what Kubernetes has.

`can` asks for all of an action, `cannot` for any of it, and so each is read in the sense in which it is hard to keep:
verbs "*" are the resource's own for `can`, every verb there is for `cannot`; `events` are the core group's for `can`,
those of every group for `cannot`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from typing import Final

from iamrbac.access.expected.mistake import CUSTOM, RESOURCE, TOO_MUCH, VERB, MistakeError
from iamrbac.access.naming import check_verb, find_resource
from iamrbac.model.access_tests import Action, AnyAction
from iamrbac.model.errors import UsageError
from iamrbac.model.origin import Path
from iamrbac.model.suggest import closest, did_you_mean
from iamrbac.rbac.catalogue import PATH_VERBS, STANDARD, VERBS, VIRTUAL, Catalogue, Resource
from iamrbac.rbac.objects import Request

_UNNAMED = frozenset({"list", "watch", "create", "deletecollection"})
"""Verbs whose requests are about no single object."""
_NAMELESS = frozenset({"create", "deletecollection"})
"""Verbs whose requests have no name where the authorizer judges them, so that resourceNames never allow them."""
_OURS = 0.9
"""As near as that to a group of Kubernetes' own, a group is a slip of the pen."""
MAX_TARGETS: Final = 200_000
"""Of one run, all actions together; "*" is some hundreds."""


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Each verb on each target. Compared by identity: equal actions are read once."""

    verbs: tuple[str, ...]
    targets: tuple[Request, ...]
    """Requests without verb and namespace."""
    loose: bool = False
    """Objects of any name are asked for, so that a right on one of them is enough."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """An action, by where its requests are judged."""

    inside: tuple[Product, ...]
    """In the namespace that the test names, or in the whole cluster."""
    itself: tuple[Product, ...] = ()
    """About the namespace itself, which lies in the namespace that it is."""
    elsewhere: tuple[tuple[str, Product], ...] = ()
    """Where it is whatever the test names: "" for what is in no namespace, a namespace that is named as an object."""
    errors: tuple[MistakeError, ...] = ()
    """What it names that is not there; then the rest means nothing."""
    warnings: tuple[MistakeError, ...] = ()


@dataclass(frozen=True, slots=True)
class _Words:
    """An action as written, and where its words stand."""

    verbs: tuple[tuple[str, Path], ...]
    resources: tuple[tuple[str, Path], ...]
    paths: tuple[tuple[str, Path], ...]
    names: tuple[str, ...] | None


@dataclass(slots=True)
class _Targets:
    """Targets by the verbs that they are asked with, and by whether their names count."""

    loose: bool
    found: dict[tuple[tuple[str, ...], bool], list[Request]] = field(default_factory=dict)

    def add(self, verbs: Collection[str], target: Request) -> None:
        """Add what is asked of a target; where requests have no name, without one."""
        nameless = frozenset() if target.subresource or target.path else _NAMELESS
        self._add([verb for verb in verbs if verb not in nameless], target, self.loose)
        self._add([verb for verb in verbs if verb in nameless], replace(target, name=""), False)

    def _add(self, verbs: Collection[str], target: Request, loose: bool) -> None:
        if verbs:
            self.found.setdefault((tuple(verbs), loose), []).append(target)

    @property
    def products(self) -> tuple[Product, ...]:
        """All of them."""
        return tuple(Product(verbs, tuple(dict.fromkeys(some)), loose) for (verbs, loose), some in self.found.items())


def named(product: Product, name: str) -> Product:
    """Return a product about the object of a name; as it is for no name."""
    if not name:
        return product
    return Product(product.verbs, tuple(replace(one, name=name) for one in product.targets))


def said(action: AnyAction) -> str:
    """Return an action in one line."""
    if isinstance(action, str):
        return action
    named_ = f" named {','.join(action.names)}" if action.names else ""
    return f"{','.join(action.verbs)} {','.join(action.resources or action.paths or ())}{named_}"


class Actions:
    """Reads actions; each once."""

    def __init__(self, catalogue: Catalogue, mentioned: Callable[[], Mapping[str, Collection[str]]]) -> None:
        """Take what Kubernetes has, and what finds the resources that some role mentions, by API group."""
        self._catalogue = catalogue
        self._mentioned = cache(mentioned)
        self._read: dict[tuple[AnyAction, bool, bool], Asked] = {}
        self._left = MAX_TARGETS

    def read(self, action: AnyAction, allowed: bool, placed: bool) -> Asked:
        """Return what an action of `can` (allowed) or `cannot` asks for; `placed`: in namespaces."""
        key = (action, allowed, placed)
        if key not in self._read:
            self._read[key] = self._asked(_words(action), allowed, placed)
        return self._read[key]

    def _asked(self, words: _Words, allowed: bool, placed: bool) -> Asked:
        loose = not allowed and words.names is None
        inside, itself, cluster = _Targets(loose), _Targets(loose), _Targets(loose)
        elsewhere = {"": cluster}
        warnings: list[MistakeError] = []
        errors = [*_wrong_verbs(words)]
        path_verbs = _every(words.verbs, PATH_VERBS)
        for path, at in words.paths:
            if not path.startswith(("/", "*")):
                errors.append(MistakeError(RESOURCE, f"{path} is no path", f"did you mean /{path}?", *at))
            cluster.add(path_verbs, Request("", path=path))
        for text, at in words.resources:
            try:
                resources = list(self._resources(text, at, allowed, warnings))
            except MistakeError as mistake:
                errors.append(mistake)
                continue
            self._left -= len(resources) * len(words.names or ("",))
            if self._left < 0:
                message = f"the tests name more than {MAX_TARGETS:,} objects in all, of which this is one too many"
                errors.append(MistakeError(TOO_MUCH, message, "name fewer, or write fewer different actions", *at))
                break
            # Of everything, a test in namespaces means what is in them.
            of_everything = placed and text == "*"
            for resource, subresource in resources:
                verbs = _verbs(words.verbs, resource, subresource, allowed)
                for name in words.names or ("",):
                    target = Request("", resource.plural, resource.group, subresource, name)
                    if resource.namespaced:
                        inside.add(verbs, target)
                    elif (resource.group, resource.plural) == ("", "namespaces"):
                        own = elsewhere.setdefault(name, _Targets(loose)) if name else itself
                        own.add([verb for verb in verbs if verb not in _UNNAMED], target)
                        if not of_everything:
                            cluster.add([verb for verb in verbs if verb in _UNNAMED], target)
                    elif not of_everything:
                        cluster.add(verbs, target)
        return Asked(
            inside.products,
            itself.products,
            tuple((place, product) for place, some in elsewhere.items() for product in some.products),
            tuple(errors),
            tuple(warnings),
        )

    def _resources(
        self, text: str, at: Path, allowed: bool, warnings: list[MistakeError]
    ) -> Iterator[tuple[Resource, str]]:
        """Yield the resources and subresources that a word means."""
        name, slash, subresource = text.partition("/")
        if name == "*":
            yield from self._everything(text, at, slash, subresource, allowed)
            return
        try:
            resource = find_resource(name, self._catalogue)
        except UsageError as error:
            raise MistakeError(RESOURCE, error.message, error.hint, *at) from error
        if not self._catalogue.exact(resource.group, resource.plural) and resource not in VIRTUAL:
            self._custom(resource, text, at, warnings)
        known = self._catalogue.subresources(resource)
        real = bool(resource.verbs) and resource.plural != "userextras"
        if slash and real and subresource not in known:
            hint = did_you_mean(subresource, known, f"one of {', '.join(known)}" if known else "leave it out")
            raise MistakeError(RESOURCE, f"{resource.qualified} has no subresource {subresource}", hint, *at)
        every = () if allowed or "." in name else self._catalogue.named(name)
        for one in every or (resource,):
            yield one, subresource

    def _everything(
        self, text: str, at: Path, slash: str, subresource: str, allowed: bool
    ) -> Iterator[tuple[Resource, str]]:
        some = False
        every = self._catalogue.resources if allowed else (*self._catalogue.resources, *VIRTUAL)
        for resource in every:
            # What everybody may do who logs in breaks no promise about everything (system:basic-user).
            if not allowed and resource.plural.startswith("selfsubject"):
                continue
            below = self._catalogue.subresources(resource)
            if not slash:
                yield resource, ""
            for one in below:
                if not slash or one == subresource:
                    some = True
                    yield resource, one
        if slash and not some:
            known = {one for resource in every for one in self._catalogue.subresources(resource)}
            hint = did_you_mean(subresource, known, "name one that Kubernetes has, e.g. */scale")
            raise MistakeError(RESOURCE, f"no resource has the subresource of {text}", hint, *at)

    def _custom(self, resource: Resource, text: str, at: Path, warnings: list[MistakeError]) -> None:
        """Look at a resource that Kubernetes does not have: a custom one, or a slip of the pen."""
        own = {one.group for one in self._catalogue.resources if "." in one.group}
        for near in get_close_matches(resource.group, own, 1, _OURS):
            hint = f"did you mean {resource.plural}.{near}?"
            raise MistakeError(RESOURCE, f"Kubernetes has no API group {resource.group}", hint, *at)
        here = self._mentioned().get(resource.group, ())
        if resource.plural in here or "*" in here:
            return
        if here and (meant := closest(resource.plural, here)) is not None:
            message = f"no role mentions {resource.plural}.{resource.group}"
            raise MistakeError(RESOURCE, message, f"did you mean {meant}.{resource.group}?", *at)
        message = f"neither Kubernetes nor any role here has {text}: only rules with * can allow it"
        warnings.append(MistakeError(CUSTOM, message, "correct it, if it is not a custom resource of yours", *at))


def _words(action: AnyAction) -> _Words:
    if isinstance(action, Action):
        return _Words(
            tuple((word, ("verbs", index)) for index, word in enumerate(action.verbs)),
            tuple((word, ("resources", index)) for index, word in enumerate(action.resources or ())),
            tuple((word, ("paths", index)) for index, word in enumerate(action.paths or ())),
            action.names,
        )
    verbs, _, objects = action.partition(" ")
    words = [(word, ()) for word in objects.split(",")]
    return _Words(
        tuple((word, ()) for word in verbs.split(",")),
        tuple(one for one in words if not one[0].startswith("/")),
        tuple(one for one in words if one[0].startswith("/")),
        None,
    )


def _verbs(words: Collection[tuple[str, Path]], resource: Resource, subresource: str, allowed: bool) -> list[str]:
    if not allowed:
        return _every(words, VERBS - {"*"})
    return _every(words, STANDARD if subresource else resource.verbs or STANDARD)


def _every(words: Collection[tuple[str, Path]], known: Collection[str]) -> list[str]:
    """Return the verbs as written, with what a star among them stands for."""
    found = dict.fromkeys(word for word, _ in words)
    if "*" not in found:
        return list(found)
    return list(dict.fromkeys([*sorted(known), *(word for word in found if word != "*")]))


def _wrong_verbs(words: _Words) -> Iterator[MistakeError]:
    for word, at in words.verbs:
        if words.resources:
            try:
                check_verb(word)
            except UsageError as error:
                yield MistakeError(VERB, error.message, error.hint, *at)
        if words.paths and word not in PATH_VERBS and word != "*":
            hint = did_you_mean(word, PATH_VERBS, f"verbs of paths: {', '.join(sorted(PATH_VERBS))}")
            yield MistakeError(VERB, f"there is no verb {word} on a path", hint, *at)
