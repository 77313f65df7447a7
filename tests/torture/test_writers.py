"""Several of ours and somebody else write to one aws-auth at once: nobody loses a row."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from iamrbac.compile import names
from iamrbac.mapping.aws_auth import read
from tests.conftest import ROOT
from tests.torture import judge
from tests.torture.foreign import ForeignWriter
from tests.torture.ground import Ground
from tests.torture.repository import ACCOUNT, FOREIGN, REGION, ROWS, USERS, Policy, arn_of, write_policy
from tests.torture.sizes import Tally, long_run

ROUNDS: Final = 10
CONFIG: Final = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: {instance}}}
identity: {{account: "{account}", groups: users}}
clusters: [{{name: rows, account: "{account}", region: {region}, mapping: aws-auth}}]
guards: {{maxRemovals: {{count: 100, fraction: 1}}}}
"""
TURNS: Final = ((("0",), ("1",)), (("0", "2"), ("1",)), (("1",), ("0", "2")), (("2",), ("0",)), (("0", "1"), ("2",)))
"""Who of three people is in the one set and who in the other, turn after turn."""


class Instance:
    """One repository of its own, whose people change sets with every turn."""

    def __init__(self, folder: Path, number: int) -> None:
        self.name = f"writer{number}"
        self.root = folder / self.name
        self.people = USERS[3 * number : 3 * number + 3]
        self.rows: dict[str, tuple[str, ...]] = {}
        """What has to be in aws-auth: ARN → groups."""
        (self.root / "policies").mkdir(parents=True)
        config = CONFIG.format(instance=self.name, account=ACCOUNT, region=REGION)
        (self.root / "iamrbac.yaml").write_text(config)

    def turn(self, number: int) -> None:
        """Write down who is in which set now."""
        one, two = (tuple(self.people[int(i)] for i in who) for who in TURNS[number % len(TURNS)])
        lines = [
            f"to: [{name}], clusters: [rows], namespaces: [payments], role: {role}"
            for name, role in (("one", "viewer"), ("two", "deployer"))
        ]
        write_policy(self.root, Policy(self.name, {"one": one, "two": two}, tuple(lines)))
        groups = {name: names.group_name(self.name, self.name, name) for name in ("one", "two")}
        self.rows = {arn_of(who): (groups[name],) for name, of in (("one", one), ("two", two)) for who in of}


@contextmanager
def writers(ground: Ground, roots: Sequence[Path]) -> Iterator[Callable[[], list[Mapping[str, int]]]]:
    """Start a process for each repository; calling what it gives lets all of them apply at once, and counts."""
    command = [sys.executable, "-m", "tests.torture.writer"]
    environment = ground.real.environment()
    processes = [
        subprocess.Popen(
            [*command, str(root)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for root in roots
    ]

    def go() -> list[Mapping[str, int]]:
        for one in processes:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = []
        for one in processes:
            assert one.stdout is not None
            line = one.stdout.readline()
            assert line, "a writer has ended; see its stderr"
            answer = json.loads(line)
            assert not answer["wrong"], answer
            answers.append(answer["counts"])
        return answers

    try:
        yield go
    finally:
        for one in processes:
            one.communicate(timeout=60)


def check(ground: Ground, instances: Sequence[Instance], foreign: ForeignWriter) -> None:
    """Everybody's rows are there, as they are to be; nothing else is."""
    found = ground.kube(ROWS).aws_auth()
    assert found is not None
    assert foreign.lost == []
    users = found.data["mapUsers"]
    for line in foreign.lines:
        assert users.count(line) == 1
        users = users.replace(line, "")
    ours = {arn: groups for instance in instances for arn, groups in instance.rows.items()}
    assert judge.lost_bytes(FOREIGN, {**found.data, "mapUsers": users}, ours) == []
    rows = [(row.arn, row.groups) for row in read({**found.data, "mapUsers": users}).rows]
    theirs = [(row.arn, row.groups) for row in read(FOREIGN).rows]
    assert sorted(rows) == sorted([*theirs, *ours.items()])
    for instance in instances:
        assert json.loads(found.annotations[names.rows_annotation(instance.name)]) == sorted(instance.rows)


def compete(ground: Ground, instances: Sequence[Instance], each: int, tally: Tally, rounds: int) -> None:
    """Let `each` processes of every instance and the foreign writer write at once, round after round."""
    before = ground.aws_auth_map()
    ground.put_aws_auth(FOREIGN, {})
    foreign = ForeignWriter(ground.cluster(ROWS).superuser, seed=7)
    roots = [instance.root for instance in instances for _ in range(each)]
    for instance in instances:
        instance.turn(0)
    with writers(ground, [instance.root for instance in instances]) as first:
        # Roles and bindings, which do not change any more.
        first()
    with writers(ground, roots) as go:
        for number in range(1, rounds + 1):
            for instance in instances:
                instance.turn(number)
            with foreign.at_work():
                answers = go()
            for counts in answers:
                tally.add("changes written by ours", counts.get("done", 0))
                tally.add("conflicts that ours met", counts.get("conflicts", 0))
            check(ground, instances, foreign)
            tally.add("rounds")
    tally.add("rows written by the foreign writer", foreign.writes)
    tally.add("conflicts that it met", foreign.conflicts)
    tally.add("rows lost", len(foreign.lost))
    ground.put_aws_auth(before["data"], before["metadata"].get("annotations", {}))
    tally.tell()


def test_four_of_ours_and_a_foreign_writer_lose_no_row(ground: Ground, tmp_path: Path) -> None:
    instances = [Instance(tmp_path, number) for number in range(4)]
    tally = Tally("Four of ours and a foreign writer on one aws-auth")
    compete(ground, instances, 1, tally, long_run() or ROUNDS)


def test_the_same_apply_twice_at_once_does_what_one_does(ground: Ground, tmp_path: Path) -> None:
    tally = Tally("One repository applied twice at once, and a foreign writer")
    compete(ground, [Instance(tmp_path, 0)], 2, tally, max(3, long_run() // 10))
