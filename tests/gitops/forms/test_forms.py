"""What every form must hold: it reads what it wrote, refuses what it would not have written, and is byte-stable."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.gitops.forms import FORMS, Mapped
from iamrbac.gitops.header import instance_of
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.gitops import EntriesForm
from tests.gitops.forms.entries import SAMPLE, VIEW, delivery_to, entries, files_of, mapped, parsed, readable
from tests.golden import compare

ALL = sorted(FORMS)
GOLDEN = Path(__file__).parent / "golden"
every_form = pytest.mark.parametrize("form", ALL)


def test_every_form_of_the_config_is_there() -> None:
    assert set(FORMS) | {"direct"} == set(get_args(EntriesForm))


@every_form
def test_golden(form: EntriesForm) -> None:
    files = files_of(delivery_to(form), SAMPLE)
    folder = GOLDEN / form
    for path, text in files.items():
        compare(text, folder / path)
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == set(files)


@every_form
@settings(max_examples=40)
@given(data=st.data())
def test_read_is_the_opposite_of_write(form: EntriesForm, data: st.DataObject) -> None:
    written = data.draw(entries())
    delivery = delivery_to(form, region=data.draw(st.sampled_from(["eu-central-1", "cn-north-1"])))
    files = files_of(delivery, written)
    assert list(FORMS[form].read(delivery, parsed(files))) == [readable(form, one) for one in written]
    assert files_of(delivery, written) == files
    assert all(instance_of(text) == "acme" for text in files.values())


@every_form
def test_nothing_is_written_for_nobody(form: EntriesForm) -> None:
    assert files_of(delivery_to(form), ()) == {}
    assert list(FORMS[form].read(delivery_to(form), {})) == []


@every_form
def test_an_entry_is_written_the_same_whoever_else_is_there(form: EntriesForm) -> None:
    delivery = delivery_to(form)
    together = files_of(delivery, SAMPLE)
    for one in SAMPLE:
        for path, text in files_of(delivery, [one]).items():
            if form in ("ack", "crossplane", "terraform"):
                assert together[path] == text
            else:
                body = [line for line in text.splitlines() if one.principal in line]
                assert body
                assert all(line in together[path] for line in body)


@every_form
def test_two_clusters_never_share_a_name(form: EntriesForm) -> None:
    one = files_of(delivery_to(form), SAMPLE)
    other = files_of(delivery_to(form, "staging", "acme-staging"), SAMPLE)
    assert not set(one) & set(other)
    names = {Path(path).name for path in one} & {Path(path).name for path in other}
    assert names <= {"access-entries.yaml", "Pulumi.yaml"}


@every_form
def test_only_entries_for_people_are_written(form: EntriesForm) -> None:
    node = Mapped(AccessEntry("arn:aws:iam::111122223333:role/node", "system:node:x", (), "EC2_LINUX"))
    with pytest.raises(ValueError, match="role/node: its type is EC2_LINUX"):
        files_of(delivery_to(form), [node])
    with pytest.raises(ValueError, match="stands twice"):
        files_of(delivery_to(form), [SAMPLE[0], SAMPLE[0]])


def _changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value with one thing changed: a key more, a key less, an element more, another text, another type."""
    if isinstance(value, dict):
        yield (*path, "added"), {**value, "added": "x"}
        for key in value:
            yield (*path, key), {name: item for name, item in value.items() if name != key}
            for place, changed in _changes(value[key], (*path, key)):
                yield place, {**value, key: changed}
    elif isinstance(value, list):
        yield path, [*value, "x"]
        yield path, [*value, *value[-1:]]
        for index, item in enumerate(value):
            for place, changed in _changes(item, (*path, index)):
                yield place, [*value[:index], changed, *value[index + 1 :]]
    else:
        others: tuple[object, ...] = ("x", "", 1, True, None, [], {})
        for other in others:
            if type(other) is not type(value) or other != value:
                yield path, other


@every_form
def test_a_hand_edit_is_refused_or_is_another_entry(form: EntriesForm) -> None:
    """Never passed over: whatever is changed, what is read then is written just so."""
    delivery = delivery_to(form)
    values = parsed(files_of(delivery, SAMPLE[:1]))
    count = 0
    for file, value in values.items():
        for place, changed in _changes(value):
            if place[:1] == ("//",):
                continue
            edited = {**values, file: changed}
            kept = copy.deepcopy(edited)
            try:
                read = list(FORMS[form].read(delivery, edited))
            except ValueError as error:
                assert "iam/production/" in str(error) or "clusters/production/" in str(error), error
            else:
                again = parsed(files_of(delivery, read))
                assert _without_header(again) == _without_header(edited), place
            assert edited == kept
            count += 1
    assert count > 50


def _without_header(values: dict[str, Any]) -> dict[str, Any]:
    return {
        path: {key: item for key, item in value.items() if key != "//"}
        for path, value in values.items()
        if value is not None
    }


@every_form
@pytest.mark.parametrize(
    "content", [None, [], "x", 1, {}, {"kind": "ConfigMap"}, {1: 2}, {"resource": {}}, {"Resources": None}]
)
def test_a_foreign_file_is_refused(form: EntriesForm, content: object) -> None:
    with pytest.raises(ValueError, match=r"^iam/production/x\.yaml: "):
        list(FORMS[form].read(delivery_to(form), {"iam/production/x.yaml": content}))


@every_form
def test_the_files_of_another_cluster_are_refused(form: EntriesForm) -> None:
    values = parsed(files_of(delivery_to(form, "staging", "acme-staging"), SAMPLE))
    with pytest.raises(ValueError, match="staging"):
        list(FORMS[form].read(delivery_to(form), values))


@pytest.mark.parametrize("form", ["ack", "crossplane"])
def test_what_a_layout_adds_is_no_hand_edit(form: EntriesForm) -> None:
    delivery = delivery_to(form)
    values = parsed(files_of(delivery, SAMPLE))
    for value in values.values():
        value["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] = "3"
        value["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] = "enabled"
    assert list(FORMS[form].read(delivery, values)) == [readable(form, one) for one in SAMPLE]


@every_form
def test_a_principal_in_two_files_is_refused(form: EntriesForm) -> None:
    delivery = delivery_to(form)
    values = parsed(files_of(delivery, SAMPLE[1:2]))
    twice = {
        **values,
        **{path.replace("iam/", "more/").replace("clusters/", "more/"): value for path, value in values.items()},
    }
    with pytest.raises(ValueError, match=r"too|where iamrbac does not write it|is not the template"):
        list(FORMS[form].read(delivery, twice))


def test_eksctl_tags_all_entries_alike() -> None:
    other = replace(SAMPLE[1], tags=(("iamrbac.dev/instance", "other"),))
    with pytest.raises(ValueError, match="role/ci/deployer: eksctl tags all entries of a file alike"):
        files_of(delivery_to("eksctl"), [SAMPLE[0], other])


def test_crossplane_refuses_an_association_without_its_entry() -> None:
    delivery = delivery_to("crossplane")
    values = parsed(files_of(delivery, SAMPLE))
    left = {path: value for path, value in values.items() if "/AccessEntry-" not in path}
    with pytest.raises(ValueError, match=r"AccessPolicyAssociation-.*: there is no AccessEntry for arn:aws:iam"):
        list(FORMS["crossplane"].read(delivery, left))


def _many(count: int) -> list[Mapped]:
    return [
        mapped(f"arn:aws:iam::111122223333:user/u{n:04}", groups=["iamrbac:a:b:c"], policies={VIEW: None})
        for n in range(count)
    ]


def test_a_template_is_split_where_it_would_be_too_large_and_nobody_else_moves() -> None:
    delivery = delivery_to("cloudformation")
    assert list(files_of(delivery, _many(500))) == ["iam/production/access-entries.yaml"]
    many = _many(900)
    files = files_of(delivery, many)
    assert set(files) == {f"iam/production/access-entries-{n}.yaml" for n in range(1, 17)}
    assert list(FORMS["cloudformation"].read(delivery, parsed(files))) == [
        readable("cloudformation", one) for one in many
    ]
    fewer = files_of(delivery, [one for one in many if not one.principal.endswith("u0007")])
    assert sum(fewer[path] != text for path, text in files.items()) == 1


def test_what_no_template_can_hold_is_refused() -> None:
    huge = mapped("arn:aws:iam::111122223333:user/u", policies={VIEW: [f"n{n:06}" for n in range(100_000)]})
    with pytest.raises(ValueError, match="production: 1 access entries do not fit into 16 CloudFormation templates"):
        files_of(delivery_to("cloudformation"), [huge])


def test_what_is_wrong_is_said_with_its_place() -> None:
    delivery = delivery_to("eksctl")
    file = "iam/production/access-entries.yaml"

    def said(change: Callable[[Any], None]) -> str:
        (value,) = parsed(files_of(delivery, SAMPLE)).values()
        change(value["accessConfig"]["accessEntries"][1])
        with pytest.raises(ValueError, match=file) as caught:
            list(FORMS["eksctl"].read(delivery, {file: value}))
        return str(caught.value)

    place = f"{file}: accessConfig.accessEntries[1]"
    assert said(lambda one: one.update(more=1)) == f"{place}.more: is nothing that iamrbac writes"
    assert said(lambda one: one.pop("type")) == f"{place}: has no type"
    assert said(lambda one: one.update(type="EC2")) == f"{place}.type: is 'EC2' where iamrbac writes 'STANDARD'"
    assert said(lambda one: one.update(kubernetesGroups="a")) == f"{place}.kubernetesGroups: is text, not a list"
    assert said(lambda one: one["kubernetesGroups"].append(True)) == (
        f"{place}.kubernetesGroups[1]: is a boolean, not text"
    )
    assert said(lambda one: one["kubernetesGroups"].append(one["kubernetesGroups"][0])) == (
        f"{place}.kubernetesGroups: has 2 elements where iamrbac writes 1"
    )
