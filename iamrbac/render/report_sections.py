"""The sections of the report's page."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from iamrbac.render.plain import printable
from iamrbac.render.report_elements import after, cell, header, listed, names, row, table, text
from iamrbac.render.report_words import FOREIGN, KINDS, STATES, Words, count, place, time, worst
from iamrbac.report.grants import Holding
from iamrbac.report.history import Change, FileHistory
from iamrbac.report.model import ClusterPart, Row
from iamrbac.report.strength import Strength

_STATES = {"soon": "warning", "ended": "soft", "later": ""}


def unknown(section: Element, words: Words) -> None:
    """Write what nobody here knows."""
    found = words.report.unknown
    if not found:
        text(section, "p", "Nothing that is known of.")
        return
    body = table(section, "What this report does not know", ("About", "Why", "Next"))
    for one in found:
        line = row(body, spoken=True)
        header(line, one.about)
        cell(line, one.why)
        cell(line, one.next or "nothing that is known of")


def standouts(section: Element, words: Words) -> None:
    """Write who stands out on which cluster."""
    for kind, title in KINDS.items():
        found = [one for cluster in words.report.clusters for one in cluster.standouts if one.kind == kind]
        text(section, "h3", title)
        if not found:
            unread = [one.name for one in words.report.clusters if one.failure is not None]
            but = f", but {', '.join(unread)} could not be read" if unread else ""
            text(section, "p", f"Nobody{but}.")
            continue
        body = table(section, title, ("Who", "Cluster", "Where", "What"))
        for one in found:
            line = row(body, one.level.value)
            names(header(line), "person", words.names(one.principals), "people")
            text(cell(line), "span", one.cluster, **{"data-is": "cluster"})
            names(cell(line), "namespace", [place(namespace) for namespace in one.namespaces], "namespaces")
            said = cell(line, one.says)
            if one.rule:
                text(said, "div", f"rule {one.rule}", "soft")
            if one.path:
                text(said, "div", ", then ".join(one.path), "soft")


def findings(section: Element, words: Words) -> None:
    """Write lint's findings, and what waivers accept."""
    report = words.report
    text(
        section,
        "p",
        "What `iamrbac lint` and `iamrbac validate` say of the policies, also where the clusters were asked.",
    )
    if report.gates:
        listed(section, [f"Gate {name} {said}, when a change is reviewed." for name, said in report.gates.items()])
    if not report.judged:
        text(section, "p", "Not known what the rules say: the documents or the waivers are invalid.", "error")
    if not report.findings:
        text(section, "p", "None that no waiver accepts." if report.judged else "Nothing else was found.")
    else:
        body = table(section, "Findings, the worst first", ("Level", "Rule", "Where", "What, and what to do"))
        for one in report.findings:
            line = row(body, one.level.value, spoken=True)
            text(cell(line), "span", one.level.value, f"tag {one.level.value}")
            header(line, one.id, kind="short")
            cell(line, f"{one.file}:{one.line}" if one.line is not None else one.file or "the repository")
            text(cell(line, one.message), "div", one.hint, "soft")
    if report.waived:
        body = table(section, "Accepted by waivers", ("Rule", "Until", "What", "Why it is accepted"))
        for waived in report.waived:
            line = row(body, spoken=True)
            header(line, waived.finding.id, kind="short")
            cell(line, waived.not_after)
            cell(line, waived.finding.message)
            cell(line, waived.reason)


def temporary(section: Element, words: Words) -> None:
    """Write temporary grants by their end."""
    found = words.report.temporary
    if not found:
        text(section, "p", "None.")
        return
    caption = f"Temporary grants; within {count(words.report.head.days, 'day')} is soon"
    body = table(section, caption, ("Grant", "Until", "Who gets what", "Why, and who answers"))
    for one in found:
        line = row(body)
        text(header(line, one.name), "div", words.line(one.origin), "soft")
        text(cell(line, one.not_after), "div", STATES[one.state], _STATES[one.state])
        given = cell(line)
        names(given, "person", one.members, "members")
        listed(given, one.gives)
        names(given, "cluster", one.clusters, "clusters")
        why = cell(line, one.reason)
        owners = ", ".join(one.owners) or "the policy names no owner"
        text(why, "div", f"team {one.team}: {owners}", "soft")
        text(why, "div", f"approved by: {words.report.history.of(one.origin.file).approval}", "soft")


def waivers(section: Element, words: Words) -> None:
    """Write waivers: who, why, until when."""
    found = words.report.waivers
    if not found:
        text(section, "p", "None.")
        return
    body = table(section, "Accepted for a while", ("Rule", "Until", "About", "Why, and who"))
    for one in found:
        line = row(body, spoken=True)
        text(header(line, one.rule, kind="short"), "div", words.line(one.origin), "soft")
        text(cell(line, one.not_after), "div", STATES[one.state], _STATES[one.state])
        cell(line, one.scope, f"accepts {count(one.findings, 'finding')}")
        why = cell(line, one.reason)
        text(why, "div", f"approved by: {words.report.history.of(one.origin.file).approval}", "soft")


def suspended(section: Element, words: Words) -> None:
    """Write who gets nothing."""
    found = words.report.suspended
    if not found:
        text(section, "p", "Nobody.")
        return
    body = table(section, "Nothing anywhere, whatever the policies say", ("Who", "Said at", "Still holds something on"))
    for one in found:
        line = row(body)
        header(line, one.arn, "person")
        cell(line, words.line(one.origin))
        names(
            cell(line, *([] if one.still else ["nothing that is known of"]), kind="soft"),
            "cluster",
            one.still,
            "clusters",
        )


def matrix(main: Element, words: Words, id_: str, title: str) -> None:
    """Write a table for each cluster: people, namespaces, and roles, strongest first."""
    section = SubElement(main, "section", {"aria-labelledby": id_})
    text(section, "h2", title, id=id_)
    text(
        section,
        "p",
        "A row is some people who hold the same roles in the same namespaces; roles are strongest first, as the API "
        "server judges their rules. What Kubernetes gives to everybody who logs in (discovery, questions about "
        "oneself) is left out.",
    )
    for number, cluster in enumerate(words.report.clusters):
        part = SubElement(
            section,
            "section",
            {"class": "cluster", "aria-labelledby": f"cluster-{number}", "data-cluster": printable(cluster.name)},
        )
        text(part, "h3", cluster.name, id=f"cluster-{number}")
        _cluster(part, cluster, words)


def _cluster(part: Element, cluster: ClusterPart, words: Words) -> None:
    if cluster.failure is not None:
        why = text(part, "p", f"Not known: {cluster.failure.why}", "error")
        after(why, f" Nothing is absent here because it is not shown. Next: {cluster.failure.next}")
        return
    if not cluster.rows:
        text(part, "p", "Nobody holds anything here.")
        return
    body = table(part, f"{cluster.name}: who may do what", ("Who", "Namespaces", "Roles, strongest first"))
    for one in cluster.rows:
        _row(body, one, cluster.name, words)


def _row(body: Element, one: Row, cluster: str, words: Words) -> None:
    said = [words.said(holding.origins, cluster) for holding in one.holdings]
    line = row(body, worst(level for level, _ in said))
    names(header(line), "person", words.names(one.principals), "people")
    names(cell(line), "namespace", [place(namespace) for namespace in one.namespaces], "namespaces")
    roles = SubElement(SubElement(line, "td"), "ul")
    for holding, (level, rules) in zip(one.holdings, said, strict=True):
        _holding(SubElement(roles, "li"), holding, level, rules, words)


def _holding(item: Element, one: Holding, level: str, rules: Sequence[str], words: Words) -> None:
    after(text(item, "strong", one.role, **{"data-is": "role"}), " ")
    strong = one.strength in (Strength.ADMINISTRATOR, Strength.ESCALATES, Strength.UNKNOWN)
    after(text(item, "span", one.strength.value, "tag error" if strong else "tag"), " ")
    if level:
        after(text(item, "span", f"{level}: {', '.join(rules)}", f"tag {level}"), " ")
    after(text(item, "span", ", ".join(words.lines(one.origins)) or FOREIGN, "soft"), " ")
    if one.ends is not None:
        text(item, "span", f"until {time(one.ends)}", "tag warning")


def people(section: Element, words: Words) -> None:
    """Write everybody once: the whole name, and the strongest that they hold on each cluster."""
    strongest: dict[str, dict[str, Strength]] = {}
    order = list(Strength)
    for cluster in words.report.clusters:
        for one in cluster.rows:
            for principal in one.principals:
                held = strongest.setdefault(principal, {})
                here = one.holdings[0].strength
                held[cluster.name] = min(held.get(cluster.name, here), here, key=order.index)
    if not strongest:
        text(section, "p", "Nobody holds anything that is known of.")
        return
    body = table(section, "Everybody, and the strongest that they hold", ("Who", "Whole name", "Strongest, by cluster"))
    for principal in sorted(strongest):
        line = row(body)
        header(line, words.name(principal), "person")
        cell(line, principal)
        held = strongest[principal]
        together: dict[Strength, list[str]] = {}
        for name, strength in held.items():
            together.setdefault(strength, []).append(name)
        cell_ = cell(line)
        for strength in sorted(together, key=order.index):
            text(cell_, "div", f"{strength.value}:", "soft")
            names(cell_, "cluster", together[strength], "clusters")


def approvals(section: Element, words: Words) -> None:
    """Write who changed and who approved each file."""
    history = words.report.history
    if not history.files:
        text(section, "p", f"Not known: {history.unknown or 'git knows no file of the repository'}.", "error")
        return
    text(section, "p", "A trailer says who is named, by whoever made the commit; it does not say who clicked.")
    body = table(section, "The last commits of each file, newest first", ("File", "Approved by", "Commits"))
    for one in history.files.values():
        line = row(body, spoken=True)
        header(line, one.file)
        cell(line, one.approval, kind="warning" if one.doubt or not one.approvers else "")
        _commits(SubElement(line, "td"), one)


def _commits(parent: Element, one: FileHistory) -> None:
    if not one.changes:
        text(parent, "span", f"unknown: {one.doubt}")
        return
    found = SubElement(parent, "ul")
    for change in one.changes:
        item = SubElement(found, "li")
        text(item, "div", f"{change.subject}")
        for said in _commit(change):
            text(item, "div", said, "soft")


def _commit(change: Change) -> Sequence[str]:
    said = [f"{change.id[:12]} by {change.author}, {change.authored}"]
    if change.committer != change.author or change.committed != change.authored:
        said.append(f"committed by {change.committer}, {change.committed}")
    said += [f"{trailer}: {who}" for trailer, who in change.approvals]
    if change.merge is not None:
        merge = change.merge
        said.append(f"merged by {merge.by}, {merge.at}, in {merge.id[:12]}: {merge.subject}")
        said += [f"{trailer} (of the merge): {who}" for trailer, who in merge.approvals]
    if change.signature is not None:
        said.append(f"signature: {change.signature}")
    if change.boundary:
        said.append("the clone is shallow and begins here: the change may be an older one's")
    return said
