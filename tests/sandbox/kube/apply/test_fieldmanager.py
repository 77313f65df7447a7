"""Server-side apply against a model: for a flat map, ownership can be told in ten lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.sandbox.kube.apply.fieldmanager import FieldManager
from iamrbac.sandbox.kube.kinds import BY_KIND
from iamrbac.sandbox.kube.status import StatusError
from iamrbac.sandbox.kube.values import clone

CONFIG_MAP = BY_KIND["ConfigMap"]
DATA = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), max_size=3)
MANAGERS = st.sampled_from(["ann", "ben"])
APPLIES = st.tuples(st.just("apply"), MANAGERS, DATA, st.booleans())
UPDATES = st.tuples(st.just("update"), st.sampled_from(["hand", "ann"]), DATA, st.just(False))


@dataclass
class Model:
    """Key → value, and key → owners (manager and operation)."""

    data: dict[str, str] = field(default_factory=dict)
    owners: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def apply(self, name: str, wanted: dict[str, str], force: bool) -> bool:
        """Apply; False is a conflict."""
        me = (name, "Apply")
        changed = {key for key, value in wanted.items() if self.data.get(key) != value}
        if not force and any(self.owners.get(key, set()) - {me} for key in changed):
            return False
        for key, value in wanted.items():
            others = set() if key in changed else self.owners.get(key, set())
            self.data[key], self.owners[key] = value, others | {me}
        for key in [key for key, owners in self.owners.items() if me in owners and key not in wanted]:
            self.owners[key].discard(me)
            if not self.owners[key]:
                del self.owners[key], self.data[key]
        return True

    def update(self, name: str, wanted: dict[str, str]) -> None:
        """Replace all data."""
        for key in set(self.data) - set(wanted):
            del self.data[key], self.owners[key]
        for key, value in wanted.items():
            if self.data.get(key) != value:
                self.data[key], self.owners[key] = value, {(name, "Update")}


class Real:
    """The field manager, on a ConfigMap that is never deleted."""

    def __init__(self) -> None:
        self.object: dict[str, Any] = {"metadata": {"name": "a", "uid": "u"}}
        self.object["metadata"]["managedFields"] = self.manager.updated({"metadata": {}}, self.object, "maker")

    @property
    def manager(self) -> FieldManager:
        """A field manager at one moment."""
        return FieldManager(CONFIG_MAP, "2026-01-01T00:00:00Z")

    def apply(self, name: str, wanted: dict[str, str], force: bool) -> bool:
        """Apply; False is a conflict."""
        # The label keeps every manager known, so that "nobody manages this" never comes up.
        config: dict[str, Any] = {"metadata": {"name": "a", "labels": {"by": "all"}}}
        if wanted:
            config["data"] = dict(wanted)
        try:
            merged, managed = self.manager.applied(clone(self.object), config, name, force)
        except StatusError as refused:
            assert refused.code == 409
            return False
        merged["metadata"]["managedFields"] = managed
        self.object = merged
        return True

    def update(self, name: str, wanted: dict[str, str]) -> None:
        """Replace all data."""
        new = clone(self.object)
        new.pop("data", None)
        if wanted:
            new["data"] = dict(wanted)
        managed = self.manager.updated(self.object, new, name)
        new["metadata"]["managedFields"] = managed
        self.object = new

    @property
    def owners(self) -> dict[str, set[tuple[str, str]]]:
        """Data key → owners."""
        found: dict[str, set[tuple[str, str]]] = {}
        for entry in self.object["metadata"]["managedFields"]:
            for key in entry["fieldsV1"].get("f:data", {}):
                if key.startswith("f:"):
                    found.setdefault(key[2:], set()).add((entry["manager"], entry["operation"]))
        return found


@given(st.lists(st.one_of(APPLIES, UPDATES), max_size=8))
def test_ownership_is_as_in_the_model(writes: list[tuple[str, str, dict[str, str], bool]]) -> None:
    model, real = Model(), Real()
    real.apply("ann", {}, False)
    for operation, name, wanted, force in writes:
        if operation == "apply":
            assert real.apply(name, wanted, force) == model.apply(name, wanted, force)
        else:
            real.update(name, wanted)
            model.update(name, wanted)
        assert real.object.get("data", {}) == model.data
        assert real.owners == model.owners


@given(DATA, DATA)
def test_an_apply_that_says_the_same_changes_nothing(before: dict[str, str], wanted: dict[str, str]) -> None:
    real = Real()
    real.update("hand", before)
    real.apply("ann", wanted, True)
    once = clone(real.object)
    real.apply("ann", wanted, False)
    assert real.object == once
