"""A kubeconfig as kubectl would use it: several files, foreign plug-ins, and what is no kubeconfig at all."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from iamrbac.diagnosis.facts import Plugin
from iamrbac.kubeconfig.reading import KubeconfigContexts
from iamrbac.model.errors import KubeconfigError, UsageError

ARN = "arn:aws:eks:eu-west-1:111122223333:cluster/staging"
AWS = f"""\
apiVersion: v1
kind: Config
current-context: team
clusters:
- name: {ARN}
  cluster:
    server: https://staging.example/
    certificate-authority-data: {base64.b64encode(b"PEM").decode()}
    proxy-url: http://proxy:3128
    tls-server-name: kubernetes
users:
- name: {ARN}
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: aws
      args: [--region, eu-west-1, eks, get-token, --cluster-name, staging, --role, "arn:aws:iam::1:role/r"]
      env: [{{name: AWS_PROFILE, value: dev}}]
contexts:
- name: team
  context: {{cluster: {ARN}, user: {ARN}, namespace: payments}}
- name: nowhere
  context: {{cluster: gone, user: nobody}}
"""
OURS = f"""\
clusters:
- name: staging
  cluster:
    insecure-skip-tls-verify: true
    server: https://other.example
    extensions: [{{name: iamrbac.dev/cluster, extension: {{arn: {ARN}}}}}]
- {{name: plain, cluster: {{server: https://plain.example}}}}
users:
- name: staging
  user:
    exec: {{command: /usr/bin/iamrbac, args: [token, --cluster-name=staging, --region=eu-west-1, --profile=alice]}}
- {{name: plain, user: {{token: secret}}}}
contexts:
- {{name: staging, context: {{cluster: staging, user: staging}}}}
- {{name: plain, context: {{cluster: plain, user: plain}}}}
- {{name: team, context: {{cluster: plain, user: plain}}}}
"""


def read(folder: Path, *texts: str) -> KubeconfigContexts:
    names = []
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text)
        names.append(str(folder / f"{number}.yaml"))
    return KubeconfigContexts({"KUBECONFIG": ":".join(["", str(folder / "missing"), *names])})


def test_the_aws_clis_entry(tmp_path: Path) -> None:
    entry = read(tmp_path, AWS, OURS).context(None)
    assert entry is not None
    assert (entry.context, entry.arn, entry.namespace) == ("team", ARN, "payments")
    assert (entry.server, entry.certificate_authority) == ("https://staging.example", "PEM")
    assert (entry.proxy_url, entry.tls_server_name, entry.insecure) == ("http://proxy:3128", "kubernetes", False)
    assert entry.plugin == Plugin("aws", "aws", "staging", "eu-west-1", "dev", "arn:aws:iam::1:role/r")


def test_our_own_entry_and_one_with_a_token(tmp_path: Path) -> None:
    contexts = read(tmp_path, AWS, OURS)
    entry = contexts.context("staging")
    assert entry is not None
    assert (entry.arn, entry.insecure) == (ARN, True)
    assert entry.plugin == Plugin("iamrbac", "/usr/bin/iamrbac", "staging", "eu-west-1", "alice")
    plain = contexts.context("plain")
    assert plain is not None
    assert (plain.plugin, plain.arn) == (None, "")
    assert "secret" not in repr(plain)


def test_the_context_of_a_cluster_is_the_current_one_if_it_may_be(tmp_path: Path) -> None:
    found = read(tmp_path, OURS.replace("contexts:", "current-context: staging\ncontexts:"), AWS)
    assert found.of_cluster(ARN, "x") == found.context("staging")
    assert read(tmp_path, AWS, OURS).of_cluster(ARN, "x") == read(tmp_path, AWS, OURS).context("team")
    assert read(tmp_path, AWS, OURS).of_cluster("", "plain") == read(tmp_path, AWS, OURS).context("plain")
    assert read(tmp_path, AWS, OURS).of_cluster("", "nothing") is None


def test_nothing_there(tmp_path: Path) -> None:
    assert KubeconfigContexts({"KUBECONFIG": str(tmp_path / "no")}).context(None) is None
    assert read(tmp_path, "").context(None) is None
    with pytest.raises(UsageError, match="no context nowhere") as caught:
        read(tmp_path, AWS, OURS).context("nowhere")
    assert caught.value.hint == "there are: team, staging, plain"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clusters: [", "it does not parse, line 1"),
        ("- a\n", "it is no kubeconfig"),
        ("a: \t- b\n\tc", "it does not parse"),
        (AWS.replace("certificate-authority-data: UEVN", "certificate-authority-data: ?!"), "authority cannot"),
        (AWS.replace("certificate-authority-data: UEVN", "certificate-authority: not-there.crt"), "authority cannot"),
    ],
)
def test_a_broken_file_is_one_error(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(KubeconfigError, match=why) as caught:
        read(tmp_path, text).context(None)
    assert caught.value.where.startswith(str(tmp_path))
    assert caught.value.hint


def test_a_directory_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="it is a directory"):
        KubeconfigContexts({"KUBECONFIG": str(tmp_path)}).context(None)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KubeconfigError, match="it does not parse"):
        KubeconfigContexts({"KUBECONFIG": str(tmp_path / "bytes")}).context(None)


def test_odd_shapes_are_no_contexts(tmp_path: Path) -> None:
    text = "clusters: {a: b}\ncontexts: [1, {name: 2, context: {}}, {name: x, context: [y]}]\nusers: null\n"
    assert read(tmp_path, text).context(None) is None
    with pytest.raises(UsageError):
        read(tmp_path, text).context("x")
