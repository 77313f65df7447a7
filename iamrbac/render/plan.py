"""A plan for people: who gains and loses first, then the objects, then what refuses it, then one line of numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from iamrbac.access.delta import AccessChange
from iamrbac.access.principals import Names
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.origin import Origin
from iamrbac.plan.change import AccountPlan, Action, Change, ClusterPlan, FailedAccount, FailedCluster, GitHalf, Plan
from iamrbac.plan.document import spec_json, summary
from iamrbac.plan.halves import halves
from iamrbac.rbac.objects import Rule
from iamrbac.rbac.wire import rule_from_json
from iamrbac.render.iam import iam_details, iam_head

Paint = Callable[[str, str], str]
"""(text, style) → text, coloured or not."""
SYMBOLS = {
    Action.CREATE: ("+", "good", "add"),
    Action.UPDATE: ("~", "change", "change"),
    Action.REPLACE: ("-/+", "change", "replace"),
    Action.DELETE: ("-", "error", "remove"),
    Action.ADOPT: ("»", "change", "adopt"),
}
LEVELS = {Level.ERROR: ("!", "error"), Level.WARNING: ("!", "warning"), Level.INFO: ("i", "dim")}


def plan_text(plan: Plan, line: Callable[[Origin], str], paint: Paint, source: str = "the policies say") -> str:
    """Return the whole plan as text, ending with the summary line (an interface: scripts read it).

    `source` is what the clusters are to be like.
    """
    blocks = [
        _failed(plan, paint),
        _access(plan, paint),
        *(_iam(account, line, paint) for account in plan.planned_accounts),
        *(_objects(cluster, line, paint) for cluster in plan.planned),
        _findings(plan.all_findings, paint),
        [summary_line(plan, source)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary_line(plan: Plan, source: str = "the policies say") -> str:
    """Return the last line: numbers by action, and what could not be planned or is refused."""
    counts = summary(plan)
    lacking = [cluster.name for cluster in plan.failed] + [f"account {one.account}" for one in plan.failed_accounts]
    failed = f" Not planned: {', '.join(lacking)}." if lacking else ""
    refusals = sum(finding.level is Level.ERROR for finding in plan.all_findings)
    refused = f" Refused: {refusals}." if refusals else ""
    if not any(counts.values()):
        if plan.changed:
            return f"Plan: no object changes, {_files_of(plan)} to commit.{failed}{refused}"
        if refusals:
            return f"No changes.{failed}{refused}"
        clusters = ", ".join(cluster.name for cluster in plan.planned)
        nothing = f"No changes: {clusters} {'is' if len(plan.planned) == 1 else 'are'} as {source}."
        return (nothing if plan.planned else "No cluster could be planned.") + failed
    numbers = ", ".join(f"{counts[action.value]} to {word}" for action, (_, _, word) in SYMBOLS.items())
    return f"Plan: {numbers}.{failed}{refused}"


def _failed(plan: Plan, paint: Paint) -> list[str]:
    named: list[tuple[str, FailedCluster | FailedAccount]] = [
        *((f"account {one.account}", one) for one in plan.failed_accounts),
        *((one.name, one) for one in plan.failed),
    ]
    return [
        f"{paint('!', 'error')} {name} could not be planned: [{one.code}] {one.message}"
        + (f". Next: {one.hint}" if one.hint else "")
        for name, one in named
    ]


def _access(plan: Plan, paint: Paint) -> list[str]:
    """One line per person, role and cluster; its namespaces together."""
    changes = [change for cluster in plan.planned for change in cluster.access]
    if not changes:
        return []
    names = Names(one for change in changes for one in (change.principal, change.via) if one)
    grouped: dict[tuple[str, str, str, str, tuple[Rule, ...], str], list[AccessChange]] = defaultdict(list)
    for change in changes:
        who = names.short(change.principal)
        grouped[(who, change.change, change.role, change.cluster, change.rules, change.via)].append(change)
    lines = [paint("Access", "bold")]
    for (who, _, role, cluster, rules, via), some in sorted(grouped.items(), key=lambda item: item[0][0]):
        gains = some[0].change == "gain"
        symbol = paint("+", "good") if gains else paint("-", "error")
        where = _where(cluster, [change.namespace for change in some])
        part = f"{_rules(rules)} of {role}" if rules else role
        through = f" through {names.short(via)}" if via else ""
        lines.append(f"  {symbol} {who} {'gains' if gains else 'loses'} {part} {where}{through}")
    return lines


def _where(cluster: str, namespaces: list[str]) -> str:
    if namespaces == [""]:
        return f"in the whole cluster ({cluster})"
    return f"in {', '.join(namespace or 'the whole cluster' for namespace in namespaces)} ({cluster})"


def _rules(rules: Iterable[Rule]) -> str:
    parts = []
    for rule in rules:
        things = ", ".join(rule.resources or rule.non_resource_urls)
        named = f" named {', '.join(rule.resource_names)}" if rule.resource_names else ""
        parts.append(f"{', '.join(rule.verbs)} on {things}{named}")
    return "; ".join(parts)


def _objects(cluster: ClusterPlan, line: Callable[[Origin], str], paint: Paint) -> list[str]:
    if not cluster.changed:
        return []
    head = f"{paint(cluster.name, 'bold')}  {cluster.state.target.arn}  {cluster.form}"
    git = _git(cluster, cluster.git, paint) if cluster.git is not None else []
    return [head, *git, *(text for change in cluster.changes for text in _change(change, line, paint))]


def _iam(account: AccountPlan, line: Callable[[Origin], str], paint: Paint) -> list[str]:
    if not account.changes:
        return []
    lines = [paint(iam_head(account), "bold")]
    for change in account.changes:
        lines += _head(change, line, paint)
        labels = _labels(change) if change.key.kind == "IamRole" else []
        lines += [f"      {detail}" for detail in (*iam_details(change), *labels)]
    return lines


def _git(cluster: ClusterPlan, git: GitHalf, paint: Paint) -> list[str]:
    """What goes through Git and what does not, and in which order."""
    one = git.delivery
    how = {"push": "pushed", "pull-request": "proposed in a pull request", "local": "committed, not pushed"}
    lines = []
    if git.tip is not None:
        lines = [f"by Git: {one.path} on {one.branch} of {one.repository} is as the policies say"]
    if git.files:
        files = _count_files(len(git.files))
        lines = [f"by Git: {files} in {one.path}, {how[one.publish]} to {one.branch} of {one.repository}"]
    parts = halves(cluster)
    order = [
        (parts.first, "first, directly: {} that only take away"),
        (parts.then, "after the commit, directly: {}"),
        (parts.synced, "once the cluster is synced, directly: {} that would count at once"),
    ]
    lines += [text.format(_count_changes(len(some))) for some, text in order if some]
    return [f"  {paint(text, 'dim')}" for text in lines]


def _count_files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def _count_changes(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}"


def _files_of(plan: Plan) -> str:
    return _count_files(sum(len(cluster.git.files) for cluster in plan.planned if cluster.git is not None))


def _change(change: Change, line: Callable[[Origin], str], paint: Paint) -> list[str]:
    return [*_head(change, line, paint), *(f"      {detail}" for detail in _details(change))]


def _head(change: Change, line: Callable[[Origin], str], paint: Paint) -> list[str]:
    symbol, style, word = SYMBOLS[change.action]
    name = "/".join(part for part in (change.key.namespace, change.key.name) if part)
    because = ", ".join(line(origin) for origin in change.because)
    head = f"  {paint(symbol, style)} {word} {change.key.kind} {name}" + (
        f"  {paint(because, 'dim')}" if because else ""
    )
    return [head]


def _details(change: Change) -> list[str]:
    """What differs inside an object that stays: items that come and go, values before and after."""
    if change.before is None or change.after is None:
        return []
    before, after = spec_json(change.before.spec), spec_json(change.after.spec)
    lines: list[str] = []
    for field in sorted(before.keys() | after.keys()):
        was, will = before.get(field), after.get(field)
        if isinstance(was, list) and isinstance(will, list):
            lines += [f"- {field}: {_value(item)}" for item in was if item not in will]
            lines += [f"+ {field}: {_value(item)}" for item in will if item not in was]
        elif was != will:
            lines.append(f"{field}: {_value(was)} → {_value(will)}")
    lines += _labels(change)
    return lines + (["no longer ours: it is given back"] if change.after.released else [])


def _labels(change: Change) -> list[str]:
    if change.before is None or change.after is None:
        return []
    labels = [key for key, value in change.after.labels.items() if change.before.meta.labels.get(key) != value]
    marks = "tags" if change.key.kind in ("AccessEntry", "IamRole") else "labels"
    return [f"+ {marks}: {', '.join(sorted(labels))}"] if labels else []


def _value(value: object) -> str:
    if isinstance(value, dict) and "verbs" in value:
        return _rules([rule_from_json(value)])
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, dict):
        place = f"{value['namespace']}/" if value.get("namespace") else ""
        return f"{value.get('kind', '')} {place}{value.get('name', '')}".strip()
    return "none" if value in (None, "") else str(value)


def _findings(findings: Iterable[Finding], paint: Paint) -> list[str]:
    lines = []
    for finding in findings:
        symbol, style = LEVELS[finding.level]
        place = f"{finding.file}:{finding.line}:{finding.column}: " if finding.line is not None else ""
        cluster = f"{finding.cluster}: " if finding.cluster else ""
        hint = f". Next: {finding.hint}" if finding.hint else ""
        lines.append(f"{paint(symbol, style)} {finding.level} {finding.id}: {place}{cluster}{finding.message}{hint}")
    return lines
