"""Words in RBAC rules that are none: no resource, no verb, a resource of another group.

The API server stores them all. RBAC compares words, so that what is misspelt is no error, and no right.
"""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.lint.matter import Hit, Rules, Where
from iamrbac.lint.references import RBAC
from iamrbac.lint.rule import ERROR, LintRule, RolesCheck, always, in_namespace, listed
from iamrbac.rbac.catalogue import PATH_VERBS, VERBS, VIRTUAL, Catalogue, Resource
from iamrbac.rbac.match import ALL
from iamrbac.rbac.objects import Rule

_MODES = ("impersonate:", "impersonate-on:")
_VIRTUAL = {(one.group, one.plural): one for one in VIRTUAL}


def _exact(catalogue: Catalogue, group: str, name: str) -> Resource | None:
    return catalogue.exact(group, name) or _VIRTUAL.get((group, name))


def parts(rules: Rules) -> Iterator[tuple[Rule, str, str]]:
    """Yield each rule with each of its resources: name and subresource ("" where there is none)."""
    for rule in rules:
        for text in rule.resources:
            name, _, subresource = text.partition("/")
            yield rule, name, subresource


def meant(catalogue: Catalogue, rule: Rule, name: str) -> list[Resource]:
    """Return the resources that a rule gives by a name."""
    if ALL in rule.api_groups:
        return [one for one in catalogue.named(name) if one.plural == name]
    return [found for group in rule.api_groups if (found := _exact(catalogue, group, name)) is not None]


def _words(rules: Rules, _: Where, catalogue: Catalogue) -> Iterator[Hit]:
    known = _groups(catalogue)
    for rule, name, subresource in parts(rules):
        text = f"{name}/{subresource}" if subresource else name
        if text == ALL:
            continue
        if subresource == ALL:
            yield Hit(f"names {text}, which stands for nothing: RBAC has * alone, and */NAME", (rule,))
        elif name != ALL and not meant(catalogue, rule, name) and known.issuperset(rule.api_groups):
            near = [one for one in catalogue.named(name.strip()) if one.plural != name]
            if near:
                yield Hit(f"names {text!r}, which is no resource: the plural is {near[0].plural}", (rule,))
        elif name != name.strip() or name != name.lower():
            yield Hit(f"names {text!r}: resources are written in lower case, without blanks", (rule,))


def _elsewhere(rules: Rules, _: Where, catalogue: Catalogue) -> Iterator[Hit]:
    known = _groups(catalogue)
    for rule, name, _subresource in parts(rules):
        if any(verb.startswith(_MODES) for verb in rule.verbs):
            continue
        if name == ALL or not known.issuperset(rule.api_groups) or meant(catalogue, rule, name):
            continue
        homes = [one.group or '""' for one in catalogue.named(name) if one.plural == name]
        if homes:
            said = listed([group or '""' for group in rule.api_groups])
            yield Hit(f"gives nothing of {name} in {said}: they are in {' and '.join(homes)}", (rule,))


def _verbs(rules: Rules, _: Where, __: Catalogue) -> Iterator[Hit]:
    for rule in rules:
        known = PATH_VERBS | {ALL} if rule.non_resource_urls else VERBS
        strange = [verb for verb in rule.verbs if verb not in known and not verb.startswith(_MODES)]
        if strange:
            yield Hit(f"has verbs that nothing asks for ({listed(strange)})", (rule,))


def _groups(catalogue: Catalogue) -> frozenset[str]:
    """Return the groups whose resources are known, and those that had some once."""
    return frozenset({ALL, "extensions", *(one.group for one in catalogue.resources)})


RULES = (
    LintRule(
        id="IAM093",
        title="names no resource",
        why="RBAC knows resources by their plural in lower case. Pod, po, pods/* and a name with a blank are stored, "
        "and match nothing.",
        fix="Write the plural that `kubectl api-resources` shows, and each subresource.",
        levels=always(ERROR),
        references=(RBAC,),
        check=RolesCheck(_words),
        good=in_namespace('- {apiGroups: [""], resources: [pods, pods/log], verbs: [get]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pod], verbs: [get]}'),
    ),
    LintRule(
        id="IAM094",
        title="names a resource of another group",
        why="A rule is about the resource in the groups that it names. Deployments of the core group, or of "
        "extensions, are nothing, so that the rule gives nothing.",
        fix="Name the group that `kubectl api-resources` shows.",
        levels=always(ERROR),
        references=(RBAC,),
        check=RolesCheck(_elsewhere),
        good=in_namespace('- {apiGroups: ["", apps], resources: [pods, deployments], verbs: [get]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods, deployments], verbs: [get]}'),
    ),
    LintRule(
        id="IAM095",
        title="has a verb that is none",
        why="Verbs are those of the API (get, list, watch, create, update, patch, delete, deletecollection) and a few "
        "special ones. read, exec and edit are stored, and allow nothing.",
        fix="For a shell write resources: [pods/exec] with get and create; for reading get, list, watch.",
        levels=always(ERROR),
        references=(RBAC,),
        check=RolesCheck(_verbs),
        good=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [pods], verbs: [get, read]}'),
    ),
)
