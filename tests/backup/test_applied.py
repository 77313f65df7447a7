"""The record of what was applied: kept whole, advanced at every cut, and compared with what is there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.backup.advance import begun, ended
from iamrbac.backup.applied import Applied, By, Stamp, from_text, stamp, stamp_of, to_text
from iamrbac.backup.drifted import Drift, Drifted, Next, drifted
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key, Kind, Spec
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.plan.change import Action, Change
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.ownership import Foreign, Ours, Owner, Unclaimed, owner_of
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Subject

ALICE = "arn:aws:iam::111122223333:user/staff/alice"
MARK = {names.INSTANCE_LABEL: "acme"}
LABELS = names.labels("acme", "iamrbac-system", "payments", "developers")


def role(namespace: str, name: str, verbs: tuple[str, ...]) -> tuple[Key, Spec]:
    return Key("staging", "Role", namespace, name), Role("Role", namespace, name, (Rule(verbs, ("",), ("pods",)),))


def binding(name: str, group: str) -> tuple[Key, Spec]:
    spec = Binding("RoleBinding", "payments", name, RoleRef("Role", name), (Subject("Group", group),))
    return Key("staging", "RoleBinding", "payments", name), spec


def entry(groups: tuple[str, ...]) -> tuple[Key, Spec]:
    return Key("staging", "AccessEntry", "", ALICE), AccessEntry(ALICE, ALICE, groups)


def row(groups: tuple[str, ...]) -> tuple[Key, Spec]:
    return Key("staging", "AwsAuthRow", "", ALICE), AwsAuthRow("mapUsers", ALICE, ALICE, groups)


def association(namespaces: tuple[str, ...]) -> tuple[Key, Spec]:
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    key = Key("staging", "AccessPolicyAssociation", "", f"{ALICE}#{policy}")
    return key, PolicyAssociation(ALICE, policy, "namespace", namespaces)


GROUPS = st.sampled_from([("a",), ("a", "b"), ()])
OBJECTS = st.one_of(
    st.builds(role, st.sampled_from(["payments", "search"]), st.sampled_from(["x", "y"]), GROUPS),
    st.builds(binding, st.sampled_from(["x", "y"]), st.sampled_from("ab")),
    st.builds(entry, GROUPS),
    st.builds(row, GROUPS),
    st.builds(association, GROUPS),
)
WORLDS = st.lists(OBJECTS, max_size=6).map(dict)
"""What is there, or is to be: key → spec. All of it is ours."""


def marks(key: Key) -> dict[str, str]:
    kinds: tuple[Kind, ...] = ("AccessEntry", "AwsAuthRow", "AccessPolicyAssociation")
    if key.kind == "AccessPolicyAssociation":
        return {}
    return MARK if key.kind in kinds else LABELS


def there(world: dict[Key, Spec]) -> dict[Key, Observed]:
    return {key: Observed(key, spec, Meta(marks(key), version="1")) for key, spec in world.items()}


def owners(live: dict[Key, Observed]) -> dict[Key, Owner]:
    return {
        key: Ours() if key.kind == "AccessPolicyAssociation" else owner_of(item.meta, "acme")
        for key, item in live.items()
    }


def found(applied: Applied, live: dict[Key, Observed]) -> tuple[Drifted, ...]:
    return drifted(applied, live, owners(live))


def changes(old: dict[Key, Spec], new: dict[Key, Spec]) -> tuple[Change, ...]:
    live = there(old)
    made: list[Change] = []
    for key in sorted({*old, *new}):
        before = live.get(key)
        # Rows are wanted without a label: our annotation names them.
        labels = {} if key.kind == "AwsAuthRow" else marks(key)
        after = Desired(key, new[key], labels) if key in new else None
        if before is not None and after is not None and before.spec == after.spec:
            continue
        action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
        made.append(Change(key, action, before, after))
    return tuple(made)


def written(live: dict[Key, Observed], done: tuple[Change, ...]) -> dict[Key, Observed]:
    after = dict(live)
    for change in done:
        after.pop(change.key, None)
        if change.after is not None:
            after[change.key] = Observed(change.key, change.after.spec, Meta(marks(change.key), version="2"))
    return after


def record(world: dict[Key, Spec]) -> Applied:
    return begun(None, there(world), (), By("acme", "2026-11-26T12:00:00Z", "run-0"))


@given(WORLDS, WORLDS)
def test_it_is_kept_whole_and_equal_ones_are_equal_texts(old: dict[Key, Spec], new: dict[Key, Spec]) -> None:
    applied = begun(record(old), there(old), changes(old, new), By("acme", "2026-11-26T13:00:00Z", "run-1"))
    text = to_text(applied, "acme")
    assert from_text(text, "acme", "staging") == applied
    turned = replace(applied, objects=dict(reversed(list(applied.objects.items()))))
    assert to_text(turned, "acme") == text


@given(WORLDS, WORLDS, st.data())
def test_no_run_is_ever_taken_for_drift(old: dict[Key, Spec], new: dict[Key, Spec], data: st.DataObject) -> None:
    """Wherever a run is killed, and whatever fails in it, and also in the run after it."""
    before = record(old)
    live = there(old)
    assert found(before, live) == ()
    planned = changes(old, new)
    told = begun(before, live, planned, By("acme", "t1", "run-1"))
    done = tuple(change for change in planned if data.draw(st.booleans()))
    live = written(live, done)
    # Killed: what was written is not told.
    assert found(told, live) == ()
    # At its end: some of what was written got no answer.
    answered = tuple(change for change in done if data.draw(st.booleans()))
    end = ended(told, answered, By("acme", "t1", "run-1"))
    assert found(end, live) == ()
    # The next run starts from what is there, with or without the end of the last.
    last = {key: item.spec for key, item in live.items()}
    again = changes(last, new)
    second = begun(data.draw(st.sampled_from([told, end])), there(last), again, By("acme", "t2", "run-2"))
    assert found(second, live) == ()
    finished = ended(second, again, By("acme", "t2", "run-2"))
    live = written(live, again)
    assert found(finished, live) == ()
    assert finished.pending == {}
    assert finished.objects == record(new).objects


@given(WORLDS, WORLDS)
def test_what_others_did_is_found_and_nothing_else(old: dict[Key, Spec], new: dict[Key, Spec]) -> None:
    told = found(record(old), there(new))
    kinds = {one.key: one.drift for one in told}
    for key in {*old, *new}:
        expected = (
            None
            if old.get(key) == new.get(key)
            else Drift.ADDED
            if key not in old
            else Drift.REMOVED
            if key not in new
            else Drift.CHANGED
        )
        assert kinds.get(key) == expected
    assert list(kinds) == sorted(kinds)


@given(WORLDS, WORLDS, WORLDS)
def test_drift_that_a_run_was_to_mend_is_still_drift_when_it_is_killed(
    old: dict[Key, Spec], drift: dict[Key, Spec], new: dict[Key, Spec]
) -> None:
    told = begun(record(old), there(drift), changes(drift, new), By("acme", "t1", "run-1"))
    seen = {one.key for one in found(told, there(drift))}
    mending = {change.key for change in changes(drift, new)}
    for key in mending:
        was, is_, will = old.get(key), drift.get(key), new.get(key)
        assert (key in seen) == (is_ not in (was, will))


@given(WORLDS, WORLDS, st.data())
def test_a_run_about_some_objects_blesses_no_drift_of_others(
    old: dict[Key, Spec], drift: dict[Key, Spec], data: st.DataObject
) -> None:
    """A revoke or a rollback, also when it is killed."""
    some = tuple(change for change in changes(drift, old) if data.draw(st.booleans()))
    told = begun(record(old), there(drift), some, By("acme", "t1", "run-1"), whole=False)
    assert [one.key for one in found(told, there(drift))] == [one.key for one in found(record(old), there(drift))]
    end = ended(told, some, By("acme", "t1", "run-1"))
    mended = {change.key for change in some}
    before = [one.key for one in found(record(old), there(drift)) if one.key not in mended]
    assert [one.key for one in found(end, written(there(drift), some))] == before


@given(WORLDS)
def test_a_run_without_changes_changes_no_record(world: dict[Key, Spec]) -> None:
    before = record(world)
    assert begun(before, there(world), (), By("acme", "later", "run-9")) is before
    assert ended(before, (), By("acme", "later", "run-9")) is before


def one_role() -> tuple[Key, Observed, Applied]:
    key, spec = role("payments", "x", ("get",))
    live = there({key: spec})
    return key, live[key], record({key: spec})


def test_labels_that_are_gone_and_what_apply_does_then() -> None:
    key, item, applied = one_role()
    without = {name: value for name, value in LABELS.items() if name != names.SET_LABEL}
    live = replace(item, meta=Meta(without))
    assert found(applied, {key: live}) == (
        Drifted(key, Drift.STRIPPED, (f"labels.{names.SET_LABEL}",), live, Next.PUT_BACK),
    )
    bare = replace(item, meta=Meta({"of": "others"}))
    (told,) = found(applied, {key: bare})
    assert (told.drift, told.then) == (Drift.STRIPPED, Next.REFUSE)
    assert f"labels.{names.INSTANCE_LABEL}" in told.parts
    more = replace(item, meta=Meta({**LABELS, "of": "others"}))
    assert found(applied, {key: more}) == ()


def test_somebody_elses_mark_on_it() -> None:
    key, item, applied = one_role()
    claimed = replace(item, meta=Meta({**LABELS, "kapp.k14s.io/app": "1"}))
    (told,) = found(applied, {key: claimed})
    assert (told.drift, told.then, told.owner) == (Drift.CLAIMED, Next.REFUSE, "kapp app 1")
    other = replace(claimed, spec=role("payments", "x", ("delete",))[1])
    (told,) = found(applied, {key: other})
    assert (told.drift, told.parts, told.then) == (Drift.CHANGED, ("rules",), Next.REFUSE)


def test_objects_of_others_are_no_drift() -> None:
    key, item, _ = one_role()
    none = record({})
    assert drifted(none, {key: item}, {key: Unclaimed()}) == ()
    assert drifted(none, {key: item}, {key: Foreign("kapp app")}) == ()
    # A create that failed since somebody has one of that name.
    create = Change(key, Action.CREATE, None, Desired(key, role("payments", "x", ("list",))[1], LABELS))
    told = begun(none, {}, (create,), By("acme", "t", "run-1"))
    assert drifted(told, {key: replace(item, meta=Meta())}, {key: Unclaimed()}) == ()
    assert drifted(told, {key: item}, {key: Ours()}) == (Drifted(key, Drift.CHANGED, ("rules",), item, Next.PUT_BACK),)


def test_the_two_calls_of_an_entry_and_the_two_of_a_replacement() -> None:
    key, spec = entry(("a",))
    unmarked = Observed(key, spec, Meta())
    adopt = Change(key, Action.ADOPT, unmarked, Desired(key, entry(("b",))[1], MARK))
    told = begun(record({}), {}, (adopt,), By("acme", "t", "run-1"))
    assert found(told, {key: unmarked}) == ()
    assert found(told, {key: replace(unmarked, meta=Meta(MARK))}) == ()
    bound, old = binding("x", "a")
    assert isinstance(old, Binding)
    new = replace(old, role_ref=RoleRef("ClusterRole", "view"))
    replaced = Change(bound, Action.REPLACE, there({bound: old})[bound], Desired(bound, new, LABELS))
    told = begun(record({bound: old}), there({bound: old}), (replaced,), By("acme", "t", "run-1"))
    assert found(told, {}) == ()


def test_hashes_stay_what_they_are() -> None:
    """Other hashes would be drift everywhere after an upgrade."""
    assert stamp(binding("x", "a")[1], {**MARK, "of": "others"}) == Stamp(
        {"roleRef": "2uOIzZDV0V_Js9yIGQczRw", "subjects": "7eZP7XwYXT8IgeZys0iOEQ"}, MARK
    )
    assert set(stamp_of(there(dict([entry(("a",))]))[entry(())[0]]).parts) == {"username", "groups", "type"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"formatVersion": 2}),
        json.dumps({"formatVersion": 1, "instance": "other"}),
        json.dumps({"formatVersion": 1, "instance": "acme"}),
        json.dumps({"formatVersion": 1, "instance": "acme", "at": "", "run": "", "objects": {"Pod": {"x": {}}}}),
        json.dumps({"formatVersion": 1, "instance": "acme", "at": "", "run": "", "objects": [], "pending": {}}),
        json.dumps(
            {
                "formatVersion": 1,
                "instance": "acme",
                "at": "",
                "run": "",
                "objects": {"Role": {"a/b": {"parts": {"rules": 1}, "labels": {}}}},
                "pending": {},
            }
        ),
    ],
)
def test_what_is_no_record_is_no_empty_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_text(text, "acme", "staging")
