"""Whatever a cluster gives: what is proposed is valid, and the proof says the truth about every request.

IAMRBAC_FUZZ says how many clusters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamrbac.access.effective import by_identity
from iamrbac.access.judge import Judge, Somebody
from iamrbac.importing.texts import files, policy_file, template_file
from iamrbac.model.parse import parse as parse_document
from iamrbac.rbac.objects import Request
from iamrbac.roles.engine import Compiled
from iamrbac.roles.rules import parse
from tests.access.worlds import BUILTIN
from tests.importing.clusters import Case, cases, errors, outcome
from tests.rbac import strategies as rbac

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "60"))
SLOW = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@SLOW
@given(cases())
def test_what_is_proposed_is_valid_and_proved(case: Case) -> None:
    found = outcome(case.state, case.config, case.identities)
    assert errors(found.findings) == []
    assert found.proof is not None
    assert found.proof.unlike == ()
    if not found.proof.equal:
        # Whatever is lost has a reason that a person can read.
        assert any(one.access for one in found.proposal.unsaid), found.proof.deltas


@SLOW
@given(cases(), st.lists(rbac.requests, min_size=5, max_size=20))
def test_nobody_is_answered_otherwise_where_the_proof_says_equal(case: Case, requests: list[Request]) -> None:
    found = outcome(case.state, case.config, case.identities)
    assert found.after is not None and found.proof is not None
    before, after = Judge(found.before, BUILTIN.roles), Judge(found.after, BUILTIN.roles)
    told = {one.principal: one for one in found.proof.deltas}
    old, new = by_identity(before), by_identity(after)
    for key in old.keys() | new.keys():
        one, other = old.get(key), new.get(key)
        name = (other or one or Somebody("", before.everybody()[0].user)).principal
        for request in (*requests, *_everywhere(requests)):
            had = one is not None and any(True for _ in before.chains(one, request))
            has = other is not None and any(True for _ in after.chains(other, request))
            if had != has:
                assert name in told
                assert told[name].about(request, "gain" if has else "lose")


def _everywhere(requests: list[Request]) -> Iterator[Request]:
    """Yield requests in a namespace that is not there."""
    for one in requests:
        if not one.path:
            yield Request(one.verb, one.resource, one.api_group, one.subresource, one.name, "later")


@SLOW
@given(cases())
def test_files_say_exactly_what_is_proposed(case: Case) -> None:
    proposal = outcome(case.state, case.config, case.identities).proposal
    written = files(proposal)
    for name, rules in proposal.templates.items():
        text = Compiled(written[template_file(name)], name).render("one", {}, {})
        assert parse(text) == rules
    for policy in proposal.policies:
        text = written[policy_file(policy)]
        assert parse_document(yaml.safe_load(text), "it", lambda _path: None) == policy
