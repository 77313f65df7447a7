"""What people read of a fleet, whole; and the Jobs."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.fleet.jobs import Rendered, cron_job, jobs, name_of
from iamrbac.fleet.waves import Wave
from iamrbac.gitops.yaml_text import yaml_text
from iamrbac.model.errors import KubeError
from iamrbac.model.fleet import Fleet
from iamrbac.render.fleet import fleet_plan_text, summary_text
from tests.conftest import ROOT
from tests.fleet.world import NAMES, POLICY, FleetWorld, config, fleet
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden"
LESS = (
    POLICY.replace('["*"]', '["dev-*", "stage-*", prod-1, prod-2]')
    + """\
    - {clusters: ["dev-2", "stage-*", "prod-*"], namespaces: [payments], role: operator}
""".replace('"prod-*"', "prod-1, prod-2")
)
WHAT = Rendered(20, "iamrbac:1", "iamrbac-system", "https://git.example.com/access.git", "main", stop_after=3)


def plain(text: str, _style: str) -> str:
    return text


def troubled(tmp_path: Path) -> FleetWorld:
    """A fleet where something changes, something is refused and something cannot be read."""
    world = fleet(tmp_path, NAMES)
    world.apply()
    guards = "{maxRemovals: {count: 1000, fraction: 1.0, perCluster: {count: 1, fraction: 1.0}}}"
    world.company.config(config(NAMES, guards=guards))
    world.company.policy(LESS)
    world.company.kubes["stage-2"].unreadable = KubeError("no route to host", where="stage-2", hint="look at the VPN")
    world.settings = {"stop_after": 4}
    return world


def test_a_plan_as_it_is_read(tmp_path: Path) -> None:
    world = troubled(tmp_path)
    compare(fleet_plan_text(world.plan(), plain), GOLDEN / "plan.txt")


def test_a_plan_without_changes_is_short(tmp_path: Path) -> None:
    world = fleet(tmp_path, NAMES)
    world.apply()
    text = fleet_plan_text(world.plan(), plain)
    compare(text + "\n-- whole\n" + fleet_plan_text(world.plan(), plain, whole=True), GOLDEN / "unchanged.txt")


def test_the_end_as_it_is_read(tmp_path: Path) -> None:
    world = troubled(tmp_path)
    world.settings = {"stop_after": 3, "concurrency": 1}
    world.fail("prod-2")
    run = world.run()
    list(run.events())
    text = summary_text(run, plain, "iamrbac fleet apply --resume")
    compare(text, GOLDEN / "summary.txt")


def test_a_run_that_was_interrupted_says_so(tmp_path: Path) -> None:
    world = fleet(tmp_path, NAMES)
    run = world.run()
    for _ in run.events():
        run.interrupt()
    text = summary_text(run, plain, "iamrbac fleet apply --resume")
    assert text.splitlines()[-1] == (
        "Fleet: 0 done, 0 unchanged, 0 failed, 0 timed out, 0 refused, 0 not planned, 8 not begun. "
        "It was interrupted. Next: `iamrbac fleet apply --resume` goes on from here."
    )


def test_jobs_of_waves_follow_each_other(tmp_path: Path) -> None:
    waves = (Wave(1, "env=development", ("a",)), Wave(2, "prod-*, b", ("b",)), Wave(3, "the rest", ("c",), rest=True))
    made = jobs(WHAT, waves)
    compare("---\n".join(yaml_text(one) for one in made), GOLDEN / "jobs.yaml")
    assert [one["spec"].get("suspend", False) for one in made] == [False, True, True]
    assert [name_of(wave) for wave in waves] == [
        "iamrbac-fleet-1-env-development",
        "iamrbac-fleet-2-prod-b",
        "iamrbac-fleet-3-the-rest",
    ]
    (alone,) = jobs(WHAT, ())
    assert "--wave=1" not in alone["spec"]["template"]["spec"]["containers"][0]["args"]
    assert cron_job(WHAT, "*/30 * * * *")["spec"]["jobTemplate"]["spec"] == alone["spec"]
    assert yaml.safe_load(yaml_text(alone)) == alone


@given(st.text(max_size=80), st.integers(1, 99))
def test_a_job_of_any_wave_has_a_name(text: str, number: int) -> None:
    name = name_of(Wave(number, text, ()))
    assert len(name) <= 52 and name == name.lower() and not name.endswith("-")


def test_the_docs_show_what_is_printed() -> None:
    text = (ROOT / "docs" / "fleet.md").read_text()
    assert (GOLDEN / "plan.txt").read_text() in text
    assert (GOLDEN / "summary.txt").read_text() in text


def test_the_docs_show_the_defaults() -> None:
    text = (ROOT / "docs" / "fleet.md").read_text()
    block = yaml.safe_load(text.split("```yaml\n", 1)[1].split("```", 1)[0])["fleet"]
    assert Fleet.model_validate({**block, "order": []}) == Fleet()
    assert set(block) == {field.alias or name for name, field in Fleet.model_fields.items()}
