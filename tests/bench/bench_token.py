"""`iamrbac token`, which kubectl waits for, against Python alone and against `aws eks get-token`: whole processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from iamrbac.token.cache import role_key
from tests.aws_cli import aws_cli
from tests.bench.measure import Row, iamrbac, table

RUNS = 15
SLOW_RUNS = 3
CLUSTER = ["--cluster-name", "staging", "--region", "eu-west-1"]
ROLE = "arn:aws:iam::111122223333:role/developer"
CONFIG = f"[profile developer]\nrole_arn = {ROLE}\nsource_profile = alice\n"
SHARED = "[alice]\naws_access_key_id = AKIAALICE\naws_secret_access_key = s\n"
SESSION = (
    '{"Credentials": {"AccessKeyId": "ASIACACHED", "SecretAccessKey": "s", "SessionToken": "'
    + "t" * 356
    + '", "Expiration": "2100-01-01T00:00:00UTC"}}'
)
WAYS = {
    "keys in the environment": {"AWS_ACCESS_KEY_ID": "AKIAALICE", "AWS_SECRET_ACCESS_KEY": "s"},
    "a static profile": {"AWS_PROFILE": "alice"},
    "a cached role": {"AWS_PROFILE": "developer"},
}


def rows() -> list[Row]:
    """Measure in turns, the least of each, in seconds of CPU: none of the three waits for anything but the CPU, and the
    wall's time of so short a run says more of what else the machine does.
    """
    script = Path(sys.executable).with_name("iamrbac")
    own = [*([str(script)] if script.exists() else iamrbac()), "token", *CLUSTER]
    aws = [str(aws_cli()), "--region", "eu-west-1", "eks", "get-token", *CLUSTER[:2], "--output", "json"]
    measured = []
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-token-") as folder:
        home = _home(Path(folder))
        for way, settings in WAYS.items():
            environ = _environment(home, settings)
            python, token, cli = _least([[sys.executable, "-c", "pass"], own, aws], environ)
            detail = f"CPU {_ms(token[0])} / {_ms(python[0])}, wall {_ms(token[1])} / {_ms(python[1])}"
            measured.append(Row(f"iamrbac token, {way} / python -c pass", token[0] / python[0], 2.5, detail))
            detail = f"CPU {_ms(token[0])} / {_ms(cli[0])}: {cli[0] / token[0]:.0f} times less; wall {_ms(cli[1])}"
            measured.append(Row(f"iamrbac token, {way} / aws eks get-token", token[0] / cli[0], 1 / 20, detail))
    return measured


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _home(home: Path) -> Path:
    cached = home / ".aws/cli/cache"
    cached.mkdir(parents=True)
    (home / ".aws/config").write_text(CONFIG)
    (home / ".aws/credentials").write_text(SHARED)
    (cached / f"{role_key({'RoleArn': ROLE})}.json").write_text(SESSION)
    (cached / f"{role_key({'RoleArn': ROLE})}.json").chmod(0o600)
    return home


def _environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Everybody's byte code is written before the first run that counts, as an installer does."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**ours, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true", **settings}


def _least(commands: Sequence[Sequence[str]], environ: Mapping[str, str]) -> list[tuple[float, float]]:
    """Return the least CPU time and the least wall time of each command."""
    runs = [[_seconds(command, environ)] for command in commands]
    for run in range(RUNS):
        for number, command in enumerate(commands):
            if number < 2 or run < SLOW_RUNS:
                runs[number].append(_seconds(command, environ))
    return [(min(cpu for cpu, _ in each), min(wall for _, wall in each)) for each in runs]


def _seconds(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Return the CPU time and the wall time of one run."""
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - begun


if __name__ == "__main__":
    print(table(rows()))
