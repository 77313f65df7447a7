"""The steps on a cluster in memory: nobody notices at any write, and a run that was killed anywhere goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.backup.backup import Record
from iamrbac.compile import names
from iamrbac.identity.snapshot import Missing
from iamrbac.mapping.objects import AccessEntry
from iamrbac.migrate import bridge
from iamrbac.migrate.types import Fate, Migration
from iamrbac.migrate.undo import Undo
from iamrbac.model.errors import AwsError, ConflictError, IamrbacError, MigrateError, ModeError
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.observed import AuthenticationMode, AwsAuth
from tests.migrate.town import ALICE, CLUSTER, MAP, ROBOT, Town, town
from tests.usecases.fakes import ACCOUNT, PAT, Killed
from tests.usecases.keeping import home, records

ROW = f"arn:aws:iam::{ACCOUNT}:role/robot"
DONE_MAP = {
    "mapRoles": f"""\
# nodes: never touch
- rolearn: arn:aws:iam::{ACCOUNT}:role/nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
  groups: [system:bootstrappers, system:nodes]
""",
    "mapUsers": "# alice came first\n",
}


def entries(place: Town) -> dict[str, AccessEntry]:
    found = [one.spec for one in place.company.aws.entries[CLUSTER].values()]
    return {one.principal: one for one in found if isinstance(one, AccessEntry)}


def watched(place: Town, fail: object = None) -> None:
    """Look at everybody before each write, which is after the one before."""
    before = place.access()

    def looked(number: int, what: str) -> IamrbacError | Killed | None:
        assert place.access() == before, what
        return fail(number, what) if callable(fail) else None

    place.company.faults.fail = looked


def whole(place: Town) -> None:
    """All is as it has to be in the end."""
    found, _ = place.look()
    assert isinstance(found, Migration)
    assert found.done(keep_rows=False)
    assert place.company.aws.modes[CLUSTER] == "API_AND_CONFIG_MAP"
    assert place.map.data == DONE_MAP
    assert bridge.standing(found.state, "acme") is None
    assert {arn: (one.username, one.groups) for arn, one in entries(place).items()} == {
        PAT: ("pat", ("platform",)),
        ALICE: ("alice", ("developers", "readers")),
        ROBOT: ("ci:{{SessionName}}", ("deployers",)),
    }


def test_nobody_notices_and_foreign_text_stays(tmp_path: Path) -> None:
    place = town(tmp_path)
    before = place.access()
    watched(place)
    told = place.migrate()
    whole(place)
    assert place.access() == before
    assert place.map.annotations == {}
    assert [one.step for one in told if one.step in ("mode", "verify", "policies")].count("verify") == 2
    assert place.company.faults.log[:2] == [
        "mode API_AND_CONFIG_MAP",
        "create ClusterRoleBinding /iamrbac-migrate-acme",
    ]
    assert place.company.faults.log[-1] == "write aws-auth"
    assert place.migrate()[-1].text == "3 probes are right with entries beside rows"


def test_ours_become_ours_and_others_say_whence_they_come(tmp_path: Path) -> None:
    place = town(tmp_path, ours=(ALICE,))
    place.migrate()
    tags = {key.name: dict(one.meta.labels) for key, one in place.company.aws.entries[CLUSTER].items()}
    assert tags[ALICE] == {names.MIGRATED_TAG: "acme", names.INSTANCE_LABEL: "acme"}
    assert tags[PAT] == tags[ROBOT] == {names.MIGRATED_TAG: "acme"}
    assert place.map.annotations == {"rows.iamrbac.dev/acme": "[]"}


@pytest.mark.parametrize("mode", ["CONFIG_MAP", "API_AND_CONFIG_MAP"])
def test_a_run_that_is_killed_before_any_write_goes_on(tmp_path: Path, mode: AuthenticationMode) -> None:
    place = town(tmp_path / "whole", mode)
    place.migrate()
    writes = place.company.faults.writes
    assert writes >= (9 if mode == "CONFIG_MAP" else 8)
    for number in range(1, writes + 1):
        place = town(tmp_path / str(number), mode)

        def dies(count: int, _what: str, at: int = number) -> Killed | None:
            return Killed() if count >= at else None

        watched(place, dies)
        with pytest.raises(Killed):
            place.migrate()
        watched(place)
        place.migrate()
        whole(place)


def test_a_run_that_is_killed_before_any_write_can_be_undone_while_the_rows_are_there(tmp_path: Path) -> None:
    place = town(tmp_path / "whole")
    place.migrate()
    for number in range(2, place.company.faults.writes):
        place = town(tmp_path / str(number))

        def dies(count: int, _what: str, at: int = number) -> Killed | None:
            return Killed() if count >= at else None

        watched(place, dies)
        with pytest.raises(Killed):
            place.migrate()
        watched(place)
        place.undo()
        assert entries(place) == {}
        assert place.map.data == MAP
        found, _ = place.look()
        assert not isinstance(found, FailedCluster)
        assert bridge.standing(found.state, "acme") is None


def test_a_write_that_is_refused_stops_before_any_row_goes_and_the_same_command_converges(tmp_path: Path) -> None:
    place = town(tmp_path)

    def denied(_number: int, what: str) -> AwsError | None:
        return AwsError("eks:CreateAccessEntry failed with AccessDenied") if ALICE in what else None

    watched(place, denied)
    with pytest.raises(MigrateError, match="1 of 4 writes failed: eks:CreateAccessEntry failed with AccessDenied"):
        place.migrate()
    assert place.map.data == MAP
    assert set(entries(place)) == {PAT, ROBOT}
    watched(place)
    place.migrate()
    whole(place)


def test_a_mode_that_fails_or_takes_too_long_changes_nothing(tmp_path: Path) -> None:
    place = town(tmp_path)
    place.modes.fails = "Internal: try again"
    with pytest.raises(ModeError, match="EKS did not change the mode to API_AND_CONFIG_MAP: Internal"):
        place.migrate()
    place.modes.fails, place.modes.looks = "", 10_000
    with pytest.raises(ModeError, match="the mode is not API_AND_CONFIG_MAP after"):
        place.migrate()
    assert entries(place) == {}
    assert place.map.data == MAP
    place.modes.left = 1
    place.migrate()
    whole(place)


def test_others_who_write_aws_auth_meanwhile_lose_nothing(tmp_path: Path) -> None:
    place = town(tmp_path)
    others = "- {rolearn: 'arn:aws:iam::111122223333:role/new', username: new}  # by hand\n"
    conflicts = iter([True])

    def meanwhile(_number: int, what: str) -> ConflictError | None:
        if what == "write aws-auth" and next(conflicts, False):
            kube = place.company.kubes[CLUSTER]
            data = {**place.map.data, "mapRoles": place.map.data["mapRoles"] + others}
            kube.map = AwsAuth(data, place.map.annotations, "77")
        return None

    place.company.faults.fail = meanwhile
    place.migrate()
    assert place.map.data["mapRoles"] == DONE_MAP["mapRoles"] + others


def test_a_row_that_somebody_changed_meanwhile_is_judged_again(tmp_path: Path) -> None:
    place = town(tmp_path)

    def meanwhile(_number: int, what: str) -> ConflictError | None:
        if what == "write aws-auth":
            kube = place.company.kubes[CLUSTER]
            data = {key: text.replace("readers", "writers") for key, text in place.map.data.items()}
            kube.map = AwsAuth(data, place.map.annotations, "77")
        return None

    place.company.faults.fail = meanwhile
    with pytest.raises(ConflictError, match="somebody changed the row"):
        place.migrate()
    place.company.faults.fail = lambda _number, _what: None
    found, _ = place.look()
    assert isinstance(found, Migration)
    assert [one.id for one in found.blockers] == ["MIG018"]


def test_rows_come_back_byte_for_byte_where_a_probe_fails_without_them(tmp_path: Path) -> None:
    place = town(tmp_path, ours=(ALICE,))
    annotations = place.map.annotations
    place.wrong = lambda arn: arn == PAT and place.map.data == DONE_MAP
    with pytest.raises(MigrateError, match=r"without the rows pat is taken for nobody: they are back"):
        place.migrate()
    assert (place.map.data, place.map.annotations) == (MAP, annotations)
    place.wrong = lambda _arn: False
    place.migrate()
    whole(place)


def test_the_bridge_comes_back_where_an_administrator_is_none_without_it(tmp_path: Path) -> None:
    place = town(tmp_path)

    def crossed(arn: str) -> bool:
        entry = entries(place).get(PAT)
        return arn == PAT and entry is not None and bridge.group("acme") not in entry.groups

    place.wrong = crossed
    with pytest.raises(MigrateError, match="everybody is an administrator by iamrbac-migrate:acme"):
        place.migrate()
    assert bridge.group("acme") in entries(place)[PAT].groups
    assert place.map.data == MAP


def test_a_probe_that_is_somebody_else_before_stops_it_before_any_write(tmp_path: Path) -> None:
    place = town(tmp_path)
    place.wrong = lambda arn: arn == ALICE
    with pytest.raises(MigrateError, match="the probe alice is taken for nobody already"):
        place.migrate()
    assert place.company.faults.log == []


def test_keep_rows_then_undo(tmp_path: Path) -> None:
    place = town(tmp_path)
    before = place.access()
    place.keep_rows = True
    place.migrate()
    assert place.map.data == MAP
    assert set(entries(place)) == {PAT, ALICE, ROBOT}
    watched(place)
    place.undo()
    assert entries(place) == {}
    assert place.access() == before


def test_undo_is_refused_where_a_row_is_gone_or_changed(tmp_path: Path) -> None:
    place = town(tmp_path)
    place.keep_rows = True
    place.migrate()
    kube = place.company.kubes[CLUSTER]
    text = MAP["mapUsers"].replace("readers", "writers")
    kube.map = AwsAuth({"mapRoles": "", "mapUsers": text}, {}, "9")
    place.asking = place.asking.__class__(place.asking.at, (CLUSTER,), undo=True)
    found, _ = place.look()
    assert isinstance(found, Undo)
    assert [one.message for one in found.blockers] == [
        f"the access entry {ROBOT} cannot be taken back: its row is gone",
        f"the access entry {ALICE} cannot be taken back: its row and it say different things by now",
    ]
    assert [one.key.name for one in found.remove] == [PAT]


def test_backups_hold_what_each_step_changes(tmp_path: Path) -> None:
    place = town(tmp_path)
    place.migrate()
    found: list[Record] = records(home(place.company, CLUSTER))
    assert [one.backup.run.doing for one in found] == ["migrate (entries)", "migrate (rows)"]
    assert found[1].backup.aws_auth == MAP
    assert {one.outcome for record in found for one in record.results or ()} == {"done"}


def test_an_entry_that_is_there_counts_and_its_row_goes(tmp_path: Path) -> None:
    place = town(tmp_path, "API_AND_CONFIG_MAP")
    place.keep_rows = True
    place.migrate()
    there = place.company.aws.entries[CLUSTER]
    for key, one in list(there.items()):
        there[key] = one.__class__(one.key, one.spec)
    place.keep_rows = False
    found, _ = place.look()
    assert isinstance(found, Migration)
    fates = {one.row.arn: one.fate for one in found.rows if one.fate is not Fate.HIDDEN}
    assert [fates[arn] for arn in (PAT, ALICE, ROW)] == [Fate.THERE] * 3
    place.migrate()
    assert place.map.data == DONE_MAP


def test_a_name_in_another_case_is_somebody_and_not_nobody(tmp_path: Path) -> None:
    """EKS compares without case; whoever took such a row for dead would cut people off at the end."""
    place = town(tmp_path)
    place.company.people.principals["role/robot"] = Missing()
    place.company.people.there = {"role": frozenset({"robot", "nodes"})}
    found, _ = place.look()
    assert isinstance(found, Migration)
    assert [one.id for one in found.blockers] == ["MIG009"]
    place.company.people.there = {"role": frozenset({"nodes"})}
    found, _ = place.look()
    assert isinstance(found, Migration)
    assert found.may
