"""The demo's last chapter: somebody who has AWS keys and nothing else, and the access index."""

from __future__ import annotations

from dataclasses import replace

from iamrbac.sandbox.demo import CLUSTER, COLLEAGUE, LEAVER, NAMESPACE, Stage

_PARAMETER = "parameter/iamrbac/access-index"


def play(stage: Stage) -> None:
    """Play it after the others; the repository's config gets an index. Raises DoesNotHoldError."""
    narrator, sandbox = stage.narrator, stage.sandbox
    narrator.chapter(f"{COLLEAGUE} has AWS keys and nothing else: no repository, nobody to ask")
    partition, account = sandbox.arn(COLLEAGUE).split(":")[1::3]
    place = f"arn:{partition}:ssm:{sandbox.region}:{account}:{_PARAMETER}"
    config = stage.repository / "iamrbac.yaml"
    config.write_text(f"{config.read_text(encoding='utf-8')}index: {place}\n", encoding="utf-8")
    made = stage.iamrbac("index")
    narrator.quote(made.out)
    narrator.check("the platform engineer writes the access index, here to SSM", made.code == 0, made.err)
    folder = sandbox.folder / "newcomer"
    folder.mkdir(mode=0o700)
    settings = {**stage.settings, "IAMRBAC_INDEX": place, "KUBECONFIG": str(folder / "config")}
    alone = replace(stage, repository=folder, settings=settings)
    narrator.command(COLLEAGUE, f"export IAMRBAC_INDEX={place}")
    written = alone.iamrbac("kubeconfig", person=COLLEAGUE)
    narrator.quote(written.out)
    narrator.check(f"{COLLEAGUE} has contexts in one command", written.code == 0, written.out + written.err)
    alone.get(COLLEAGUE, "pods", NAMESPACE, f"and may list pods in {NAMESPACE}", 200)
    asked = alone.iamrbac("doctor", "--context", CLUSTER, "list", "nodes", person=COLLEAGUE)
    narrator.quote(asked.out)
    said = "The first check that fails: rbac" in asked.out
    narrator.check("the doctor says why nodes cannot be listed", asked.code == 3 and said, asked.out + asked.err)
    nothing = alone.iamrbac("kubeconfig", "--dry-run", person=LEAVER)
    narrator.quote(nothing.out)
    narrator.check(f"{LEAVER}, who left, gets nothing", nothing.code == 3, nothing.out + nothing.err)
