"""A process that keeps writing contexts into a kubeconfig: `python -m tests.kubeconfig.writer FILE NUMBER ROUNDS`.

Says as JSON how often one of its contexts was not there, or not as it was written last.
"""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

import yaml

from iamrbac.kubeconfig.client import KubeconfigFile
from iamrbac.kubeconfig.file import read
from iamrbac.kubeconfig.locks import locked
from iamrbac.usecases.ports import Context, Prune, WantedContexts
from tests.kubeconfig.test_merge import PLUGIN, target

CONTEXTS = 3


def main(path: Path, number: int, rounds: int) -> None:
    chance = random.Random(number)
    kubeconfig = KubeconfigFile([path], PLUGIN)
    said: dict[str, str] = {}
    lost = 0
    name = f"w{number}"
    context = Context(name, target(name, name), instance=name)
    for turn in range(rounds):
        one = f"{name}-{turn % CONTEXTS}"
        said[one] = f"r{turn}"
        wanted = [replace(context, name=key, namespace=value, pinned=True) for key, value in said.items()]
        dropped = f"{name}-{(turn + 1) % CONTEXTS}" if turn % 4 == 3 else None
        if dropped in said:
            del said[dropped]
            wanted = [one for one in wanted if one.name != dropped]
        kubeconfig.write(WantedContexts(tuple(wanted), prune=Prune(name)))
        lost += missing(path, name, said)
        time.sleep(chance.random() * 0.2)
    print(json.dumps({"rounds": rounds, "lost": lost, "said": said}))


def missing(path: Path, name: str, said: dict[str, str]) -> int:
    """Count what is not as it was written. Under the lock: kubectl writes without care for readers."""
    with locked([path]):
        data = yaml.load(read([path])[0], Loader=yaml.CBaseLoader)
    found = {one["name"]: one["context"].get("namespace") for one in data["contexts"]}
    mine = {key: value for key, value in found.items() if key.startswith(f"{name}-")}
    return len(said.items() ^ mine.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
