"""From clusters as read to policies and templates that give the same, and to all that these cannot say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from iamrbac.identity.snapshot import Identities
from iamrbac.importing.book import TemplateBook
from iamrbac.importing.grants import Grants
from iamrbac.importing.proposal import Line, Proposal, Source, Taken, Unsaid
from iamrbac.importing.teams import Teams
from iamrbac.importing.who import Who
from iamrbac.model.documents import Config
from iamrbac.rbac.subjects import MASTERS


def propose(
    sources: Sequence[Source], judged: Mapping[str, Who], config: Config, identities: Identities, taken: Taken
) -> Proposal:
    """Return policies and templates for what the people of `judged` (cluster → who) have on these clusters today."""
    book = TemplateBook(taken.templates)
    unsaid: list[Unsaid] = []
    carried: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    groups: dict[str, set[Line]] = defaultdict(set)
    personal: dict[str, set[Line]] = defaultdict(set)
    for source in sorted(sources, key=lambda one: one.cluster.name):
        name, one = source.cluster.name, judged[source.cluster.name]
        unsaid += one.unsaid
        grants = Grants(source, one.world, config.metadata.name, config.home.namespace, book)
        lines = grants.read(one.people)
        login = grants.login()
        for person in one.people:
            own = set(grants.by_policies(person))
            for key in person.keys:
                if key.kind == "Group":
                    carried[key.name][name].add(person.arn)
                    groups[key.name] |= lines.get(key, frozenset())
                else:
                    own |= lines.get(key, frozenset())
            if not own and not any(lines.get(key) for key in person.keys):
                own |= {login} if login is not None else set()
            personal[person.arn] |= own
        unsaid += grants.unsaid
    teams = Teams(config, [one.cluster for one in sources], identities, taken.teams)
    for group in sorted(groups):
        teams.group(group, carried[group], groups[group])
    teams.people(personal)
    policies, notes = teams.made()
    masters = sorted(cluster for cluster, some in carried.get(MASTERS, {}).items() if some)
    if masters:
        notes = (
            f"{MASTERS} on {', '.join(masters)} becomes clusterRole cluster-admin: the same requests, and it can be "
            "taken away",
            *notes,
        )
    people = {name: one.people for name, one in judged.items()}
    return Proposal(policies, book.templates, people, tuple(dict.fromkeys((*unsaid, *teams.unsaid))), notes)
