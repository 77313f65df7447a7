"""Clusters: each once, every selector means one, and every role can be given where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from iamrbac.compile.check.said import Line, Said, error, info, listed, warning
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import EksAccessPolicy, TemplateRole
from iamrbac.model.origin import Path
from iamrbac.model.selection import consents, is_pattern, matches, selects


def config_clusters(said: Said) -> Iterator[Finding]:
    """POL006 a name twice, POL007 one EKS cluster under two names."""
    names: set[str] = set()
    targets: dict[tuple[str, str, str], str] = {}
    for index, cluster in enumerate(said.config.clusters):
        if cluster.name in names:
            message = f"a cluster named {cluster.name} is there already"
            yield error("POL006", said.config_file, ("clusters", index, "name"), message, "give each a name of its own")
            continue
        names.add(cluster.name)
        first = targets.setdefault((cluster.account, cluster.region, cluster.eks), cluster.name)
        if first != cluster.name:
            message = f"{cluster.name} is the same EKS cluster as {first}: {cluster.eks} in {cluster.region}"
            hint = "remove one: each would take away what the other gives"
            yield error("POL007", said.config_file, ("clusters", index), message, hint, [cluster.name])


def selectors(said: Said) -> Iterator[Finding]:
    """POL005 a name, pattern or labels that no cluster has: of a line, or of a wave of the fleet."""
    matched: dict[str, bool] = {}
    for line in said.lines:
        path = (*line.path, "clusters")
        yield from _selector(said, line.file, path, line.access.clusters, bool(line.clusters), matched)
    for number, selector in enumerate(said.config.fleet.order):
        some = any(selects(selector, cluster) for cluster in said.config.clusters)
        yield from _selector(said, said.config_file, ("fleet", "order", number), selector, some, matched)


def _selector(
    said: Said,
    file: str,
    path: Path,
    selector: Sequence[str] | Mapping[str, str],
    some: bool,
    matched: dict[str, bool],
) -> Iterator[Finding]:
    """Say what of a selector means nothing; `some`: it means some cluster, `matched` is kept from one to the next."""
    if isinstance(selector, Mapping):
        if not some:
            labels = ", ".join(f"{key}: {value}" for key, value in selector.items())
            yield error("POL005", file, path, f"no cluster has the labels {labels}", _labels(said, selector))
        return
    for place, wanted in enumerate(selector):
        if wanted not in matched:
            matched[wanted] = any(matches(wanted, name) for name in said.names)
        if not matched[wanted]:
            what = "no cluster matches the pattern" if is_pattern(wanted) else "there is no cluster"
            hint = f"clusters of {said.config_file}: {listed(said.names)}"
            if not is_pattern(wanted):
                hint = said.suggest(wanted, said.names, hint)
            yield error("POL005", file, (*path, place), f"{what} {wanted}", hint)


def roles(said: Said) -> Iterator[Finding]:
    """POL011 a grant on a whole cluster, POL012 an EKS access policy where it cannot be, POL020 an unknown template."""
    known = frozenset(said.templates)
    others: dict[str, list[str]] = {}
    for line in said.lines:
        role = line.access.role
        if line.access.scope == "cluster" and line.clusters:
            yield _whole_cluster(said, line, others)
        if isinstance(role, EksAccessPolicy):
            yield from _without_entries(line, role)
            continue
        name = role if isinstance(role, str) else role.template if isinstance(role, TemplateRole) else None
        if name is not None and name not in known:
            path = (*line.path, "role") if isinstance(role, str) else (*line.path, "role", "template")
            otherwise = f"write templates/roles/{name}.yaml.j2, or use one of {listed(sorted(known))}"
            yield error(
                "POL020", line.file, path, f"there is no role template {name}", said.suggest(name, known, otherwise)
            )


def _labels(said: Said, selector: Mapping[str, str]) -> str:
    """Say what the first label that no cluster has could be."""
    for key, value in selector.items():
        values = sorted({cluster.labels[key] for cluster in said.config.clusters if key in cluster.labels})
        if not values:
            keys = sorted({label for cluster in said.config.clusters for label in cluster.labels})
            return said.suggest(key, keys, f"labels in {said.config_file}: {listed(keys) or 'none'}")
        if value not in values:
            return said.suggest(value, values, f"{key} in {said.config_file}: {listed(values)}")
    return f"no cluster of {said.config_file} has all of them at once: correct one, or label a cluster so"


def _whole_cluster(said: Said, line: Line, others: dict[str, list[str]]) -> Finding:
    """A grant on everything is told; where that takes in namespaces of teams that did not agree, it is a warning."""
    names = [cluster.name for cluster in line.clusters]
    if line.team not in others:
        refusing = {rule.owner for rule in said.config.namespaces if not consents(rule, line.team)}
        others[line.team] = sorted(refusing)
    path = (*line.path, "scope")
    message = f"this line grants on all namespaces, and on what is in none, of {listed(names)}"
    if not others[line.team]:
        return info("POL011", line.file, path, message, "name namespaces where that is enough", names)
    message += f"; among them are namespaces of {listed(others[line.team])}, who did not accept {line.team}"
    return warning("POL011", line.file, path, message, "name namespaces, or make sure that they agree", names)


def _without_entries(line: Line, role: EksAccessPolicy) -> Iterator[Finding]:
    for cluster in line.clusters:
        if cluster.mapping in ("aws-auth", "external"):
            message = (
                f"{role.eks_access_policy} needs access entries, and {cluster.name} has mapping: {cluster.mapping}"
            )
            hint = "use a template or a clusterRole there, or select other clusters"
            yield error("POL012", line.file, (*line.path, "role"), message, hint, [cluster.name])
