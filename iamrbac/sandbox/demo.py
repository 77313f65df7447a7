"""The whole main job on a fresh sandbox: from a policy to kubectl, and back when somebody leaves.

Every command is the real one, run as a process of its own with the environment of whoever types it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iamrbac.sandbox.kubectl import Client
from iamrbac.sandbox.narrator import DoesNotHoldError, Narrator
from iamrbac.sandbox.runner import Sandbox

CLUSTER, NAMESPACE, ELSEWHERE = "staging", "payments", "default"
LEAVER, COLLEAGUE, GROUP = "alice", "bob", "payments-developers"
INTRUDER = "dave"
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays: a running sandbox, a repository, and somebody to tell it."""

    sandbox: Sandbox
    repository: Path
    kubectl: Client
    narrator: Narrator
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those of a person's shell."""

    def iamrbac(self, *arguments: str, person: str | None = None) -> Said:
        """Run iamrbac as a person, and show the command."""
        self.narrator.command(person or self.sandbox.admin, "iamrbac " + " ".join(arguments))
        done = subprocess.run(
            [sys.executable, "-m", "iamrbac", *arguments],
            cwd=self.repository,
            env=self.sandbox.environment(person) | dict(self.settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def get(self, person: str, resource: str, namespace: str, claim: str, status: int) -> None:
        """List a resource as a person, show the command and its answer, and check that the answer is as claimed.

        Real servers judge by what they have seen, a moment after a change: an answer that is still the old one is
        asked for again.
        """
        self.narrator.command(person, f"kubectl --context {CLUSTER} -n {namespace} get {resource}")
        environment = self.sandbox.environment(person) | dict(self.settings)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self.kubectl.get(environment, CLUSTER, resource, namespace)
            if answer.status == status or time.monotonic() > deadline:
                break
        self.narrator.quote(answer.text)
        self.narrator.check(claim, answer.status == status, answer.text)


def play(stage: Stage) -> None:
    """Play all chapters. Raises DoesNotHoldError at the first thing that is not as promised."""
    _plan_and_apply(stage)
    developer(stage)
    _leaver(stage)
    _drift(stage)


def _plan_and_apply(stage: Stage) -> None:
    narrator = stage.narrator
    narrator.chapter("The platform engineer sees what would change, then changes it")
    plan = stage.iamrbac("plan")
    narrator.quote(plan.out)
    narrator.check("the plan can be made", plan.code == 0, plan.err)
    narrator.check(f"it says that {LEAVER} gains access", f"{LEAVER} gains developer" in plan.out, plan.out)
    applied = stage.iamrbac("apply", "--yes", "--quiet")
    narrator.quote(applied.out.splitlines()[-1] if applied.out else "")
    narrator.check("all of it was applied", applied.code == 0, applied.out + applied.err)
    nothing_left(stage)


def nothing_left(stage: Stage, *more: str) -> None:
    """Plan again, and check that there are no changes; `more` goes to the command."""
    again = stage.iamrbac("plan", *more, "--detailed-exitcode")
    stage.narrator.quote(again.out)
    stage.narrator.check("a second plan has no changes", again.code == 0, again.out + again.err)


def developer(stage: Stage) -> None:
    """Let people make their kubeconfigs, and check what one of them may."""
    narrator = stage.narrator
    narrator.chapter(f"A developer makes her kubeconfig from her own AWS keys (with {stage.kubectl.name})")
    for person in (LEAVER, COLLEAGUE, INTRUDER):
        made = stage.iamrbac("kubeconfig", person=person)
        narrator.quote(made.out)
        narrator.check(f"{person} has contexts", made.code == 0, made.out + made.err)
    stage.get(LEAVER, "pods", NAMESPACE, f"{LEAVER} may list pods in {NAMESPACE}", 200)
    stage.get(LEAVER, "pods", ELSEWHERE, f"and is refused in {ELSEWHERE}", 403)
    stage.get(LEAVER, "secrets", "kube-system", "and in kube-system", 403)
    who = stage.iamrbac("whoami", person=LEAVER)
    narrator.quote(who.out, most=8)
    narrator.check("whoami names her and her role", LEAVER in who.out and "developer" in who.out, who.out + who.err)


def _leaver(stage: Stage) -> None:
    narrator = stage.narrator
    narrator.chapter(f"{LEAVER} leaves the IAM group {GROUP}")
    stage.sandbox.remove_from_group(LEAVER, GROUP)
    plan = stage.iamrbac("plan")
    narrator.quote(plan.out)
    narrator.check(
        f"the plan says that {LEAVER} loses access, and nobody else",
        plan.code == 0 and f"{LEAVER} loses developer" in plan.out and f"{COLLEAGUE} loses" not in plan.out,
        plan.out + plan.err,
    )
    applied = stage.iamrbac("apply", "--yes", "--quiet")
    narrator.check("it is applied", applied.code == 0, applied.out + applied.err)
    stage.get(LEAVER, "pods", NAMESPACE, f"{LEAVER} is let in no more", 401)
    stage.get(COLLEAGUE, "pods", NAMESPACE, f"{COLLEAGUE} still works there", 200)


def change_by_hand(stage: Stage) -> None:
    """Let an administrator give somebody access past every review."""
    narrator = stage.narrator
    narrator.chapter("Somebody changes a RoleBinding by hand")
    name, arn = _binding(stage)
    stage.get(INTRUDER, "pods", NAMESPACE, f"{INTRUDER} may not list pods in {NAMESPACE}", 403)
    body = _add_subject(arn)
    admin = stage.sandbox.environment()
    stage.iamrbac("kubeconfig", "--all")
    narrator.command(stage.sandbox.admin, f"kubectl --context {CLUSTER} -n {NAMESPACE} patch rolebinding {name} …")
    patched = stage.kubectl.patch(admin, CLUSTER, "rolebinding", name, NAMESPACE, body)
    narrator.check("the binding was changed by hand", patched.status == 200, patched.text)
    stage.get(INTRUDER, "pods", NAMESPACE, f"and {INTRUDER} may list pods there", 200)


def _drift(stage: Stage) -> None:
    narrator = stage.narrator
    change_by_hand(stage)
    plan = stage.iamrbac("plan", "--detailed-exitcode")
    narrator.quote(plan.out)
    seen = plan.code == 2 and f"{INTRUDER} loses developer" in plan.out
    narrator.check("the plan sees the drift and who gets what by it", seen, plan.out + plan.err)
    applied = stage.iamrbac("apply", "--yes", "--quiet")
    narrator.check("it is put back", applied.code == 0, applied.out + applied.err)
    stage.get(INTRUDER, "pods", NAMESPACE, f"{INTRUDER} is refused again", 403)
    nothing_left(stage)


def _binding(stage: Stage) -> tuple[str, str]:
    """Return the name of the developers' binding, and the ARN of somebody who has no business in it."""
    said = stage.iamrbac("compile", "-o", "json", "--cluster", CLUSTER)
    stage.narrator.check("the compiled objects can be read by machines", said.code == 0, said.err)
    for item in _objects(json.loads(said.out)):
        metadata = item["metadata"]
        here = item["kind"] == "RoleBinding" and metadata.get("namespace") == NAMESPACE
        if here and "-developers-developer-" in metadata["name"]:
            return metadata["name"], stage.sandbox.arn(INTRUDER)
    raise DoesNotHoldError(f"expected: a binding of the developers in {NAMESPACE}; seen: {said.out}")


def _objects(value: object) -> list[dict[str, Any]]:
    """Return every object with a kind in a JSON value, however deep."""
    if isinstance(value, Mapping):
        own = [dict(value)] if "kind" in value and "metadata" in value else []
        return own + [found for item in value.values() for found in _objects(item)]
    if isinstance(value, list):
        return [found for item in value for found in _objects(item)]
    return []


def _add_subject(user: str) -> str:
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    return json.dumps([{"op": "add", "path": "/subjects/-", "value": subject}])
