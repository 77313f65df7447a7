"""`drift` on fakes: what was changed by hand is found and who did it, policies play no part, and what is not known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from iamrbac.backup.drifted import Drift, Next
from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import ForbiddenError, KubeError
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import AwsAuth, Meta, Observed
from iamrbac.rbac.objects import Binding, Role, Rule, Subject
from iamrbac.render.drift import drift_json, drift_text
from iamrbac.usecases.drift import ClusterDrift, DriftReport, Standing, Told, find_drift
from tests.golden import compare
from tests.usecases.applier import RUN, Applier
from tests.usecases.fakes import FakeKube, Silent
from tests.usecases.world import ALICE, BOB, CAROL, CONFIG, company

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Draft202012Validator(json.loads(files("iamrbac.render").joinpath("schemas/drift.json").read_text()))
EDIT = FieldManager("kubectl-edit", "2026-11-26T13:00:00Z", frozenset({"subjects", "rules"}))
OURS = FieldManager("iamrbac", "2026-11-26T12:21:46Z", frozenset({"rules", "roleRef", "subjects"}))


@pytest.fixture
def made(tmp_path: Path) -> Applier:
    applier = Applier(company(tmp_path))
    applier.apply()
    return applier


def report(made: Applier, *clusters: str) -> DriftReport:
    """Look, and hold the JSON against its schema."""
    found, findings = find_drift(made.company.edges, clusters, Silent())
    assert found is not None, findings
    assert list(SCHEMA.iter_errors(drift_json(found))) == []
    return found


def cluster(made: Applier, name: str = "staging") -> ClusterDrift:
    return next(one for one in report(made).clusters if one.name == name)


def shown(made: Applier) -> str:
    return drift_text(report(made), lambda text, _style: text)


def told(made: Applier, name: str = "staging") -> Told:
    (one,) = cluster(made, name).told
    return one


def a(kube: FakeKube, kind: str) -> Observed:
    return next(item for key, item in sorted(kube.objects.items()) if key.kind == kind)


def edit(kube: FakeKube, item: Observed, *by: FieldManager) -> None:
    """Let somebody put an object of the cluster so."""
    kube.objects[item.key] = replace(item, meta=replace(item.meta, version="edited"))
    kube.written_by[item.key] = by


def more_subjects(item: Observed) -> Observed:
    assert isinstance(item.spec, Binding)
    return replace(item, spec=replace(item.spec, subjects=(*item.spec.subjects, Subject("User", "mallory"))))


def without_label(item: Observed, label: str) -> Observed:
    labels = {key: value for key, value in item.meta.labels.items() if key != label}
    return replace(item, meta=replace(item.meta, labels=labels))


def asked_who(kube: FakeKube, monkeypatch: pytest.MonkeyPatch, *managers: FieldManager) -> list[Key]:
    """Answer with these managers, and remember for what."""
    asked: list[Key] = []

    def answer(key: Key) -> tuple[FieldManager, ...]:
        asked.append(key)
        return managers

    monkeypatch.setattr(kube, "managers", answer)
    return asked


def test_nothing_drifted(made: Applier) -> None:
    found = report(made)
    assert (found.exit_code(), {one.standing for one in found.clusters}) == (0, {Standing.AS_APPLIED})
    compare(shown(made), GOLDEN / "drift-none.txt")


def test_all_kinds_of_drift_in_words(made: Applier) -> None:
    staging, production = made.kube(), made.kube("production")
    bindings = [item for key, item in sorted(staging.objects.items()) if key.kind == "RoleBinding"]
    edit(staging, more_subjects(bindings[0]), OURS, EDIT)
    edit(staging, without_label(bindings[1], names.SET_LABEL), OURS)
    role = a(staging, "Role")
    del staging.objects[role.key]
    spec = Role("Role", "search", "extra", (Rule(("*",), ("*",), ("*",)),))
    extra = Observed(Key("staging", "Role", "search", "extra"), spec, Meta({names.INSTANCE_LABEL: "acme"}))
    edit(staging, extra, FieldManager("kubectl-create", "2026-11-26T13:01:00Z", frozenset({"rules"})))
    entries = made.company.aws.entries["staging"]
    for key, item in list(entries.items()):
        assert isinstance(item.spec, AccessEntry)
        if key.name == ALICE:
            meta = Meta(item.meta.labels, modified="2026-11-26T13:02:00Z")
            entries[key] = replace(item, spec=replace(item.spec, groups=("system:masters",)), meta=meta)
        elif key.name == BOB:
            del entries[key]
        elif key.name == CAROL:
            entries[key] = replace(item, meta=Meta())
    binding = a(production, "RoleBinding")
    edit(production, without_label(binding, names.INSTANCE_LABEL), OURS)
    claimed = a(production, "Role")
    edit(
        production,
        replace(claimed, meta=replace(claimed.meta, labels={**claimed.meta.labels, "kapp.k14s.io/app": "7"})),
    )
    assert production.map is not None
    row = f"- groups: [system:masters]\n  userarn: {ALICE}\n  username: {ALICE}\n"
    production.map = AwsAuth({**production.map.data, "mapUsers": row}, production.map.annotations, "9")
    found = report(made)
    assert found.exit_code() == 2
    compare(shown(made), GOLDEN / "drift-all.txt")
    kinds = {one.drifted.drift for each in found.clusters for one in each.told}
    assert kinds == set(Drift)


def test_who_is_asked_for_what_drifted_only(made: Applier, monkeypatch: pytest.MonkeyPatch) -> None:
    kube = made.kube()
    asked = asked_who(kube, monkeypatch, OURS, EDIT)
    report(made)
    assert asked == []
    item = a(kube, "RoleBinding")
    edit(kube, more_subjects(item))
    one = told(made)
    assert asked == [item.key]
    assert (one.by, one.witness, one.drifted.parts) == (EDIT, None, ("subjects",))


def test_all_rows_are_one_question(made: Applier, monkeypatch: pytest.MonkeyPatch) -> None:
    kube = made.kube("production")
    asked = asked_who(kube, monkeypatch)
    assert kube.map is not None
    kube.map = AwsAuth({"mapRoles": kube.map.data["mapRoles"]}, kube.map.annotations, "9")
    found = cluster(made, "production").told
    assert [one.drifted.drift for one in found] == [Drift.REMOVED] * 3
    assert len(asked) == 1


def test_that_nobody_can_be_asked_is_said(made: Applier, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_key: Key) -> tuple[FieldManager, ...]:
        raise ForbiddenError("cannot get rolebinding: forbidden (403)")

    kube = made.kube()
    monkeypatch.setattr(kube, "managers", refuse)
    edit(kube, more_subjects(a(kube, "RoleBinding")))
    assert told(made).unread == "cannot get rolebinding: forbidden (403)"
    assert "by whom is not known (cannot get rolebinding" in shown(made)
    monkeypatch.setattr("iamrbac.usecases.drift.MOST_ASKED", 1)
    monkeypatch.setattr(kube, "managers", lambda _key: (EDIT,))
    for item in [item for key, item in kube.objects.items() if key.kind == "RoleBinding"][1:]:
        edit(kube, more_subjects(item))
    assert "by whom was not asked" in shown(made)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda made: made.company.policy("kind: AccessPolicy\nspec: [\n"),
        lambda made: made.company.policy("apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\nspec: {}\n"),
        lambda made: (made.company.root / "policies" / "payments.yaml").unlink(),
        lambda made: made.company.people.groups.clear(),
    ],
)
def test_policies_and_people_play_no_part(made: Applier, break_it: Callable[[Applier], None]) -> None:
    before = made.company.people.asked
    break_it(made)
    assert report(made).exit_code() == 0
    assert made.company.people.asked == before


def test_a_config_that_means_nothing(made: Applier) -> None:
    made.company.config("kind: Config\n")
    found, findings = find_drift(made.company.edges, (), Silent())
    assert found is None
    assert findings


def test_no_record_is_not_no_drift(made: Applier) -> None:
    kube = made.kube()
    first = dict(kube.home_maps)
    kube.home_maps.clear()
    found = cluster(made)
    assert (found.standing, found.code) == (Standing.UNKNOWN, "ERR216")
    assert found.hint.startswith("run `iamrbac apply --cluster staging`")
    assert report(made).exit_code() == 1
    kube.home_maps |= first
    for key, one in first.items():
        kube.home_maps[key] = replace(one, data={"part": "1/1"})
    assert "cannot be read: '1/1' is not what stands beside a part" in cluster(made).reason
    compare(shown(made), GOLDEN / "drift-unknown.txt")


@pytest.mark.parametrize("what", ["record", "cluster"])
def test_what_may_not_be_read_is_unknown(made: Applier, what: str) -> None:
    kube = made.kube()
    error = ForbiddenError("cannot get: forbidden (403)", hint="ask")
    if what == "record":
        kube.map_fault = lambda _doing: error
    else:
        kube.unreadable = error
    found = report(made)
    assert [one.standing for one in found.clusters] == [Standing.UNKNOWN, Standing.AS_APPLIED]
    assert found.exit_code() == 1
    # Also beside a cluster that has drifted for sure.
    edit(made.kube("production"), more_subjects(a(made.kube("production"), "RoleBinding")))
    assert report(made).exit_code() == 1
    assert report(made, "production").exit_code() == 2


def test_a_map_that_does_not_parse_is_unknown_where_rows_are_ours(made: Applier) -> None:
    kube = made.kube("production")
    assert kube.map is not None
    kube.map = AwsAuth({"mapUsers": "- ["}, {}, "9")
    assert cluster(made, "production").standing is Standing.UNKNOWN
    made.kube().map = AwsAuth({"mapUsers": "- ["}, {}, "9")
    assert cluster(made).standing is Standing.AS_APPLIED


def test_a_mode_without_rows_does_not_miss_them(made: Applier) -> None:
    made.company.aws.modes["production"] = "API"
    assert cluster(made, "production").standing is Standing.AS_APPLIED


def test_clusters_by_git_are_not_read(made: Applier) -> None:
    made.company.config(
        CONFIG.replace("{name: staging,", "{name: staging, delivery: gitops,")
        + "gitops: {repository: ../clusters.git}\n"
    )
    made.kube().unreadable = KubeError("nobody asks")
    assert cluster(made).standing is Standing.GIT
    assert "`iamrbac status` compares it" in shown(made)
    assert report(made).exit_code() == 0


def test_what_drifted_is_mended_by_the_next_apply(made: Applier) -> None:
    kube = made.kube()
    edit(kube, more_subjects(a(kube, "RoleBinding")))
    del kube.objects[a(kube, "Role").key]
    spec = Role("Role", "search", "extra", ())
    extra = Observed(Key("staging", "Role", "search", "extra"), spec, Meta({names.INSTANCE_LABEL: "acme"}, version="1"))
    kube.objects[extra.key] = extra
    assert [one.drifted.then for one in cluster(made).told] == [Next.PUT_BACK, Next.REMOVE, Next.PUT_BACK]
    made.apply()
    assert report(made).exit_code() == 0


def test_a_policy_that_changed_is_no_drift_before_and_after(made: Applier) -> None:
    made.company.people.groups["payments-developers"] = (ALICE,)
    assert report(made).exit_code() == 0
    made.apply()
    assert report(made).exit_code() == 0
    assert cluster(made).run == RUN.id


def test_an_apply_that_writes_while_we_look(made: Applier, monkeypatch: pytest.MonkeyPatch) -> None:
    kube = made.kube()
    state = kube.state
    looks: list[int] = []

    def writing() -> object:
        looks.append(1)
        if len(looks) == 1:
            made.company.people.groups["payments-oncall"] = ()
            made.run = replace(RUN, id="other")
            monkeypatch.setattr(kube, "state", state)
            found = state()
            made.apply()
            return found
        return state()

    monkeypatch.setattr(kube, "state", writing)
    assert report(made, "staging").exit_code() == 0
