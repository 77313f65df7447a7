"""What validate says of delivery by Git."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.documents import Documents, Sourced
from iamrbac.gitops.check import check_deliveries
from iamrbac.gitops.delivery import deliveries
from iamrbac.model.documents import Config
from iamrbac.model.parse import parse

HEAD = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {name: acme}
identity: {account: "111122223333", groups: users}
"""
GENERAL = "gitops: {repository: git@git.example.com:clusters.git}\n"


KNOWN = "delivery: gitops, namespaces: [payments]"


def config(clusters: str, general: str = GENERAL) -> Config:
    text = f"{HEAD}{general}clusters:\n{clusters}"
    parsed = parse(yaml.safe_load(text), "iamrbac.yaml", lambda _path: None)
    assert isinstance(parsed, Config), parsed
    return parsed


def cluster(name: str, more: str = "delivery: gitops") -> str:
    return f"- {{name: {name}, account: '111122223333', region: eu-west-1, {more}}}\n"


def told(clusters: str, general: str = GENERAL) -> list[str]:
    documents = Documents(Sourced("iamrbac.yaml", config(clusters, general)), (), ())
    return [
        f"{one.id} {one.level} {'.'.join(map(str, one.path))}: {one.message} > {one.hint}"
        for one in check_deliveries(documents)
    ]


def test_a_cluster_with_a_place_of_its_own_is_fine() -> None:
    assert told(cluster("staging") + cluster("production") + cluster("dev", "delivery: direct")) == []


def test_no_repository() -> None:
    assert told(cluster("staging"), "") == [
        "GIT102 error clusters.0.delivery: staging has delivery: gitops, and no repository to deliver to "
        "> name it in `gitops: {repository: …}`, at the top or of the cluster"
    ]


def test_keys_of_a_cluster_that_is_written_directly() -> None:
    assert told(cluster("staging", "gitops: {branch: x}")) == [
        "GIT101 warning clusters.0.gitops: staging has delivery: direct, so its gitops: says nothing "
        "> remove it, or set delivery: gitops"
    ]


def test_two_clusters_in_one_folder_or_inside_each_other() -> None:
    (same,) = told(cluster("a") + cluster("b"), "gitops: {repository: ., path: clusters}\n")
    assert same.startswith("GIT106 error gitops: a and b would both write clusters on main > ")
    own = "delivery: gitops, gitops: {path: clusters/a/b}"
    (inside,) = told(cluster("a") + cluster("b", own))
    assert inside.startswith("GIT106 error clusters.1.gitops: a and b would both write clusters/a on main > ")
    assert told(cluster("a") + cluster("b", "delivery: gitops, gitops: {path: clusters/ab}")) == []
    other = "delivery: gitops, gitops: {path: clusters/a, branch: b}"
    assert told(cluster("a") + cluster("b", other)) == []
    iam = "gitops: {repository: ., accessEntries: terraform, entriesPath: iam}\n"
    assert [one[:6] for one in told(cluster("a", KNOWN) + cluster("b", KNOWN), iam)] == ["GIT106"]


def test_credentials_in_a_url() -> None:
    for url in ("https://token@git.example.com/x.git", "https://me:secret@git.example.com/x.git"):
        (one,) = told(cluster("a"), f"gitops: {{repository: '{url}'}}\n")
        assert one.startswith("GIT103 error gitops.repository: ")
        assert "secret" not in one
    for fine in ("ssh://git@git.example.com/x.git", "https://git.example.com/x@y.git", "git@git.example.com:x.git"):
        assert told(cluster("a"), f"gitops: {{repository: '{fine}'}}\n") == []


def test_a_placeholder_that_there_is_not() -> None:
    (one,) = told(cluster("a"), "gitops: {repository: ., path: 'clusters/{env}'}\n")
    assert one.startswith("GIT104 error gitops.path: clusters/{env} has {env}, and only {cluster} stands for something")
    (flux,) = told(cluster("a"), "gitops: {repository: ., flux: {path: 'flux/{name}'}}\n")
    assert flux.startswith("GIT104 error gitops.flux.path: ")


def test_rows_are_never_delivered_by_git() -> None:
    (one,) = told(cluster("a", "delivery: gitops, mapping: aws-auth, gitops: {accessEntries: ack}"))
    assert one.startswith("GIT105 error clusters.0.gitops: a has mapping: aws-auth, and so no access entries")


def test_the_deliverers_own_objects_lie_beside_the_clusters() -> None:
    for folder in ("clusters", "clusters/a", "clusters/a/flux"):
        (one,) = told(cluster("a"), f"gitops: {{repository: ., layout: flux, flux: {{path: {folder}}}}}\n")
        assert one.startswith(
            f"GIT107 error gitops: {folder} is for the deliverer's own objects, and lies in, or holds, "
        )
    assert told(cluster("a"), "gitops: {repository: ., layout: flux, flux: {path: 'clusters/flux'}}\n") == []


def test_a_cluster_that_nobody_asks_needs_a_catalogue() -> None:
    for more in ("mapping: external", "gitops: {accessEntries: crossplane}"):
        (one,) = told(cluster("a", f"delivery: gitops, {more}"))
        assert one.startswith("GIT108 warning clusters.0: a has no catalogue of namespaces")
        assert told(cluster("a", f"delivery: gitops, {more}, namespaces: [payments]")) == []


def test_a_branch_is_local_for_all_or_for_nobody() -> None:
    own = "delivery: gitops, gitops: {commit: local}"
    (one,) = told(cluster("a") + cluster("b", own))
    assert one.startswith(
        "GIT110 error clusters.1.gitops: b and a share a branch, and only one of them has commit: loc"
    )
    assert told(cluster("a", own) + cluster("b", own)) == []
    assert told(cluster("a") + cluster("b", "delivery: gitops, gitops: {commit: pull-request}")) == []


def test_argo_cd_needs_a_url() -> None:
    (one,) = told(cluster("a"), "gitops: {repository: ., layout: argocd}\n")
    assert one.startswith("GIT107 error gitops: layout argocd: . is a path")


def test_argo_cd_runs_in_a_cluster_of_the_config() -> None:
    home = "gitops: {repository: 'git@git.example.com:x.git', layout: argocd, argocd: {cluster: tools}}\n"
    (one,) = told(cluster("a"), home)
    assert one.startswith("GIT109 error gitops: argocd.cluster names tools, which is no cluster of this config")
    assert told(cluster("a") + cluster("tools", "delivery: direct"), home) == []


@given(st.dictionaries(st.sampled_from(["branch", "layout", "commit", "path"]), st.booleans()))
def test_a_clusters_own_keys_win_key_by_key(own: dict[str, bool]) -> None:
    general = {"branch": "main", "layout": "flux", "commit": "local", "path": "x/{cluster}"}
    special = {"branch": "prod", "layout": "plain", "commit": "push", "path": "y/{cluster}"}
    mine = ", ".join(f"{key}: '{special[key]}'" for key, said in own.items() if said)
    everybody = ", ".join(f"{key}: '{value}'" for key, value in general.items())
    made = config(cluster("a", f"delivery: gitops, gitops: {{{mine}}}"), f"gitops: {{repository: ., {everybody}}}\n")
    one = deliveries(made)["a"]
    want = {key: special[key] if own.get(key) else value for key, value in general.items()}
    assert {"branch": one.branch, "layout": one.layout, "commit": one.publish, "path": one.path} == {
        **want,
        "path": want["path"].replace("{cluster}", "a"),
    }
