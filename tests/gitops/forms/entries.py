"""Access entries to write and to read: realistic ones, nasty ones, and what of them each form can say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import strategies as st

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.forms import FORMS, Mapped
from iamrbac.gitops.header import header
from iamrbac.gitops.yaml_text import yaml_text
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.gitops import ArgoCd, EntriesForm, Flux
from iamrbac.model.origin import Origin

SAYS_TAKEN_OVER = frozenset[EntriesForm]({"ack", "terraform", "pulumi"})
SAYS_POLICIES_TAKEN_OVER = frozenset[EntriesForm]({"terraform", "pulumi"})
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"


def delivery_to(
    form: EntriesForm, cluster: str = "production", eks_name: str = "acme-production", region: str = "eu-central-1"
) -> Delivery:
    """Where a cluster is delivered."""
    return Delivery(
        instance="acme",
        cluster=cluster,
        eks_name=eks_name,
        account="111122223333",
        region=region,
        repository=".",
        branch="main",
        path=f"clusters/{cluster}",
        layout="plain",
        publish="push",
        entries=form,
        entries_path=f"iam/{cluster}",
        entries_namespace="ack-system",
        author=None,
        forge=None,
        argocd=ArgoCd(),
        flux=Flux(),
        path_template="clusters/{cluster}",
        namespaces=None,
    )


def mapped(
    principal: str,
    username: str = "",
    groups: Sequence[str] = (),
    policies: Mapping[str, Sequence[str] | None] | None = None,
    taken_over: bool = False,
    policies_taken_over: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    origins: Sequence[Origin] = (),
) -> Mapped:
    """An entry; `policies` is ARN → namespaces, None for the whole cluster."""
    return Mapped(
        AccessEntry(principal, username or principal, tuple(sorted(groups))),
        tuple(
            PolicyAssociation(principal, policy, "cluster")
            if namespaces is None
            else PolicyAssociation(principal, policy, "namespace", tuple(sorted(namespaces)))
            for policy, namespaces in sorted((policies or {}).items())
        ),
        tuple(sorted((tags if tags is not None else {"iamrbac.dev/instance": "acme"}).items())),
        tuple(origins),
        taken_over,
        tuple(sorted(policies_taken_over)),
    )


SAMPLE: Sequence[Mapped] = (
    mapped(
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_0123456789abcdef",
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/{{SessionName}}",
        ["iamrbac:acme:payments:developers", "iamrbac:acme:search:developers"],
        {VIEW: ["payments", "payments-*"], EDIT: ["search"]},
        taken_over=True,
        policies_taken_over=[VIEW],
        origins=[Origin("policies/payments.yaml", ("spec", "members", "developers", 1))],
    ),
    mapped(
        "arn:aws:iam::111122223333:role/ci/deployer",
        "arn:aws:sts::111122223333:assumed-role/deployer/{{SessionName}}",
        ["iamrbac:acme:payments:deployer"],
        origins=[Origin("policies/payments.yaml", ("spec", "members", "deployer", 0))],
    ),
    mapped(
        "arn:aws:iam::222233334444:user/staff/alice@example.com",
        groups=["iamrbac:acme:payments:developers"],
        policies={VIEW: None},
        origins=[
            Origin("policies/payments.yaml", ("spec", "members", "developers", 0)),
            Origin("policies/search.yaml", ("spec", "members", "developers", 0)),
        ],
    ),
)


def files_of(delivery: Delivery, entries: Sequence[Mapped]) -> dict[str, str]:
    """Every file that a form needs: its own, and its objects where a plain layout puts them."""
    written = FORMS[delivery.entries].write(delivery, entries)
    files = dict(written.files)
    for resource in written.resources:
        value: Any = resource.value
        path = f"{delivery.path}/_entries/{value['kind']}-{value['metadata']['name']}.yaml"
        assert path not in files
        files[path] = header(delivery.instance, resource.origins) + yaml_text(value)
    return files


def parsed(files: Mapping[str, str]) -> dict[str, Any]:
    """What the files say."""
    return {
        path: json.loads(text) if path.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
        for path, text in files.items()
    }


def readable(form: EntriesForm, one: Mapped) -> Mapped:
    """An entry as it is read back: without what the form cannot say."""
    return replace(
        one,
        origins=(),
        taken_over=one.taken_over and form in SAYS_TAKEN_OVER,
        policies_taken_over=one.policies_taken_over if form in SAYS_POLICIES_TAKEN_OVER else (),
    )


_SIGNS = ["{{SessionName}}", "{{SessionNameRaw}}", "${", "%{", "$${", "%%{", "$", "$$", "%", "}", ":", "@", "=", "/"]
_WORDS = ["a", "alice", "no", "1e3", " ", '"', "'", "\\", "-", "~", "yes", "null", "!Ref x", "fn::x", "#"]
_pieces = st.one_of(
    st.sampled_from(_SIGNS),
    st.sampled_from(_WORDS),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8),
)
texts = st.lists(_pieces, min_size=1, max_size=5).map("".join)
_partitions = st.sampled_from(["aws", "aws-cn", "aws-us-gov"])
_names = st.text(st.sampled_from("abzABZ019_+=,.@-"), min_size=1, max_size=64)
_paths = st.lists(st.text("abz019", min_size=1, max_size=200), max_size=3).map(
    lambda parts: "".join(f"{p}/" for p in parts)
)
principals = st.builds(
    lambda partition, account, kind, path, name: f"arn:{partition}:iam::{account}:{kind}/{path}{name}",
    _partitions,
    st.sampled_from(["111122223333", "222233334444"]),
    st.sampled_from(["user", "role"]),
    _paths,
    _names,
)
_policies = st.dictionaries(
    st.builds(
        lambda partition, name: f"arn:{partition}:eks::aws:cluster-access-policy/{name}",
        _partitions,
        st.sampled_from(["AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminViewPolicy", "X"]),
    ),
    st.none() | st.lists(st.sampled_from(["a", "dev-*", "kube-system", "no", "${x}"]), min_size=1, unique=True),
    max_size=3,
)


@st.composite
def entries(draw: st.DrawFn, username: st.SearchStrategy[str] = texts) -> list[Mapped]:
    """Entries of one cluster, sorted by principal, all with the same tags, since eksctl has no others."""
    tags = draw(st.dictionaries(texts, texts, max_size=2))
    found = []
    for principal in sorted(draw(st.sets(principals, max_size=4))):
        policies = draw(_policies)
        taken_over = draw(st.booleans())
        known = draw(st.sets(st.sampled_from(sorted(policies)))) if taken_over and policies else ()
        groups = draw(st.sets(username, max_size=3))
        one = mapped(
            principal,
            draw(username),
            sorted(groups),
            policies,
            taken_over,
            sorted(known),
            tags,
            [Origin("policies/payments.yaml", ("spec", "members", "developers", 0))],
        )
        found.append(one)
    return found
