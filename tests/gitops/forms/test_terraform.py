"""Terraform itself applies what we write, and EKS has then what we would have written to it."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.eks import EksApi
from iamrbac.aws.session import session
from iamrbac.compile.desired import Desired, Key
from iamrbac.gitops.forms import Mapped
from iamrbac.gitops.forms.template import literal
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan.observed import Target
from iamrbac.sandbox.runner import Sandbox
from tests.gitops.forms.entries import EDIT, VIEW, delivery_to, files_of, mapped
from tests.gitops.forms.terraform_cli import Module, needs_program, needs_terraform

CLUSTER = "staging"


class World:
    """The sandbox's cluster, Terraform's module for it, and iamrbac's own view of it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.cluster = next(one.cluster for one in sandbox.world.clusters if one.cluster.name == CLUSTER)
        self.delivery = replace(
            delivery_to("terraform", CLUSTER, self.cluster.eks, self.cluster.region), account=self.cluster.account
        )
        self.api = EksApi(Accounts(session()))
        self.module = Module(folder, sandbox.aws.url, self.cluster.region, sandbox.environment())
        self.module.start()

    @property
    def target(self) -> Target:
        return self.api.target(self.cluster)

    def put(self, entries: Sequence[Mapped]) -> None:
        self.module.put(files_of(self.delivery, sorted(entries, key=lambda one: one.principal)))

    def create(self, spec: AccessEntry | PolicyAssociation, one: Mapped) -> None:
        """Write to EKS as a direct apply does."""
        if isinstance(spec, AccessEntry):
            desired = Desired(Key(CLUSTER, "AccessEntry", "", spec.principal), spec, dict(one.tags))
        else:
            desired = Desired(Key(CLUSTER, "AccessPolicyAssociation", "", f"{spec.principal}#{spec.policy}"), spec)
        self.api.create(self.target, desired)

    def observed(self) -> dict[str, Mapped]:
        """What EKS has, but for what it made itself."""
        found: dict[str, Mapped] = {}
        for one in self.api.mappings(self.target):
            if isinstance(one.spec, AccessEntry):
                found[one.key.name] = Mapped(one.spec, tags=tuple(sorted(one.meta.labels.items())))
        for one in self.api.mappings(self.target):
            if isinstance(one.spec, PolicyAssociation):
                entry = found[one.spec.principal]
                found[entry.principal] = replace(entry, policies=(*entry.policies, one.spec))
        return {principal: one for principal, one in found.items() if dict(one.tags).get("iamrbac.dev/instance")}


@pytest.fixture
def world(fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path) -> Iterator[World]:
    yield World(fresh_sandbox, tmp_path)


def _plain(one: Mapped) -> Mapped:
    return replace(one, origins=(), taken_over=False, policies_taken_over=())


@needs_terraform
@pytest.mark.xdist_group("terraform")
def test_terraform_applies_them_and_then_has_nothing_to_do(world: World) -> None:
    alice = mapped(
        world.sandbox.arn("alice"),
        groups=["iamrbac:acme:payments:developers"],
        policies={VIEW: ["payments", "dev-*"], EDIT: None},
    )
    role = world.sandbox.people.role_arn("payments-deployer", world.cluster.account)
    deployer = mapped(role, "arn:aws:sts::111122223333:assumed-role/payments-deployer/{{SessionName}}", ["a", "b"])
    bob = mapped(world.sandbox.arn("bob"), policies={VIEW: ["payments"]})
    erin = mapped(
        world.sandbox.arn("erin"), "x:${a}-%{b}-$$-%%-$${c}", ["g${x}"], tags={"iamrbac.dev/instance": "a${b}"}
    )
    wanted = {one.principal: one for one in (alice, deployer, bob, erin)}

    world.put(list(wanted.values()))
    assert set(world.module.apply().values()) == {"create"}
    assert world.observed() == wanted
    assert world.module.plan() == {}

    # No groups any more, other groups, another scope, a policy less, a principal less: each reaches EKS.
    wanted[role] = replace(deployer, entry=replace(deployer.entry, groups=()))
    wanted[alice.principal] = mapped(alice.principal, groups=["other"], policies={VIEW: ["payments"]})
    del wanted[bob.principal]
    world.put(list(wanted.values()))
    assert sorted(world.module.apply().values()) == ["delete", "delete", "delete", "replace", "update", "update"]
    assert world.observed() == wanted

    world.module.destroy()
    assert world.observed() == {}


@needs_terraform
@pytest.mark.xdist_group("terraform")
def test_what_is_there_is_taken_over(world: World) -> None:
    """What iamrbac wrote is imported and not changed. An association that is not named is written over, without an
    error or a gap: associating again is how EKS changes a scope.
    """
    alice = mapped(
        world.sandbox.arn("alice"),
        groups=["iamrbac:acme:payments:developers"],
        policies={VIEW: ["payments"], EDIT: None},
        taken_over=True,
        policies_taken_over=[VIEW, EDIT],
    )
    bob = mapped(world.sandbox.arn("bob"), groups=["g"], policies={VIEW: ["payments"]}, taken_over=True)
    for one in (alice, bob):
        world.create(one.entry, one)
    for policy in (*alice.policies, replace(bob.policies[0], namespaces=("search",))):
        world.create(policy, alice)
    wanted = {one.principal: _plain(one) for one in (alice, bob)}
    assert world.observed() != wanted

    world.put([alice, bob])
    assert sorted(world.module.apply().values()) == ["create", "import", "import", "import", "import"]
    assert world.observed() == wanted
    assert world.module.plan() == {}


@needs_program
def test_terraform_reads_every_text_as_it_was(tmp_path: Path) -> None:
    """All texts of up to four of what its templates are made of, in one run and without a provider."""
    texts = ["".join(some) for n in range(1, 5) for some in itertools.product(("$", "%", "{", "x}"), repeat=n)]
    outputs = {f"o{n}": {"value": literal(text)} for n, text in enumerate(texts)}
    (tmp_path / "main.tf.json").write_text(json.dumps({"//": ["a comment"], "output": outputs}))
    module = Module(tmp_path, "", "", os.environ)
    module.run("init")
    module.run("apply", "-input=false", "-auto-approve")
    shown = json.loads(module.run("output", "-json"))
    assert [shown[name]["value"] for name in outputs] == texts
