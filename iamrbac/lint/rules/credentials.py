"""Credentials: tokens of service accounts, and secrets."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.access.abilities import CREATE_SECRETS, POD_MAKERS, READ_SECRETS, TOKENS
from iamrbac.access.powers import WRITE, Held, Power
from iamrbac.lint.matter import KUBE_SYSTEM, Ground, Hit, Scope, Where
from iamrbac.lint.references import GOOD_PRACTICES, IRSA, cis, kubescape, trivy
from iamrbac.lint.rule import ERROR, INFO, WARNING, Levels, LintRule, RightsCheck, in_namespace, listed, may

_WRITE_ACCOUNTS = Power(WRITE, "serviceaccounts")


def _get_secrets(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    reach = held.reach(Power(("get",), "secrets"))
    if reach is None:
        return
    if reach.unlimited:
        yield Hit("may read every secret that it knows the name of", reach.rules)
    else:
        yield Hit(f"may read the secrets {listed(sorted(reach.names))}", reach.rules, level=INFO)


def _mint(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    creates, reads = held.reach(CREATE_SECRETS), held.reach(READ_SECRETS)
    if creates is not None and creates.unlimited and reads is not None and reads.unlimited:
        says = "may make a token of any service account as a secret and read it"
        yield Hit(says, tuple(dict.fromkeys((*creates.rules, *reads.rules))))


def _bootstrap(held: Held, where: Where, _: Ground) -> Iterator[Hit]:
    reach = held.reach(CREATE_SECRETS)
    if reach is not None and reach.unlimited and (where.scope is Scope.CLUSTER or where.namespace == KUBE_SYSTEM):
        yield Hit("may make bootstrap tokens, by which a machine becomes a node", reach.rules)


def _cloud(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
    accounts, pods = held.reach(_WRITE_ACCOUNTS), held.any_of(*POD_MAKERS)
    if accounts is not None and pods is not None:
        says = "may name an IAM role at a service account and run pods with it"
        yield Hit(says, tuple(dict.fromkeys((*accounts.rules, *pods.rules))))


RULES = (
    LintRule(
        id="IAM019",
        title="makes tokens of service accounts",
        why="A token request gives a valid token of any service account, without a pod and valid wherever it is "
        "carried. The built-in edit and admin may.",
        fix="Name the service accounts in resourceNames, or use a template without it.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(GOOD_PRACTICES, cis("4.1.12"), kubescape("C-0282")),
        check=may("may make tokens of service accounts", TOKENS),
        good=in_namespace('- {apiGroups: [""], resources: [serviceaccounts], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}'),
    ),
    LintRule(
        id="IAM020",
        title="lists secrets",
        why="A list or a watch of secrets shows their contents, all at once: passwords, keys of certificates, tokens "
        "of service accounts. They are credentials for what lies outside of the namespace too.",
        fix="Leave secrets out: a pod mounts what it needs without anybody reading it. Where somebody must, name them "
        "in resourceNames with the verb get.",
        levels=Levels(ERROR, ERROR, ERROR),
        references=(GOOD_PRACTICES, cis("4.1.2"), trivy("KSV-0041", "KSV-0113"), kubescape("C-0015")),
        check=may("may read every secret (list or watch)", Power(("list", "watch"), "secrets")),
        good=in_namespace('- {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: [list, watch]}'),
        unless=("IAM043",),
    ),
    LintRule(
        id="IAM021",
        title="reads secrets",
        why="Names of secrets are seldom hard to guess, and pods and workloads name them. Legacy tokens have five "
        "random characters at their end.",
        fix="Name the secrets in resourceNames, or leave them out.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(GOOD_PRACTICES, cis("4.1.2"), trivy("KSV-0041")),
        check=RightsCheck(_get_secrets),
        good=in_namespace('- {apiGroups: [""], resources: [configmaps], verbs: [get]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: [get]}'),
        unless=("IAM020", "IAM022", "IAM043"),
    ),
    LintRule(
        id="IAM022",
        title="makes token secrets",
        why="A secret of type kubernetes.io/service-account-token is filled by Kubernetes with a token that never "
        "ends. Who may create and read secrets has one of any service account of the namespace.",
        fix="Give either the one or the other, or neither.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(GOOD_PRACTICES,),
        check=RightsCheck(_mint, together=True),
        good=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: [create]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: [create, get]}'),
    ),
    LintRule(
        id="IAM023",
        title="makes bootstrap tokens",
        why="A secret of type bootstrap.kubernetes.io/token in kube-system is a credential in the group "
        "system:bootstrappers, by which a machine asks for a node's certificate, where the API server accepts them.",
        fix="Keep secrets of kube-system to the platform.",
        levels=Levels(ERROR, None, ERROR),
        references=(
            "Kubernetes, Authenticating with bootstrap tokens: "
            "https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/",
        ),
        check=RightsCheck(_bootstrap),
        good=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: [create]}'),
        bad=in_namespace('- {apiGroups: [""], resources: [secrets], verbs: [create]}', "kube-system"),
    ),
    LintRule(
        id="IAM029",
        title="takes IAM roles by way of service accounts",
        why="An annotation of a service account, or a Pod Identity association, names the IAM role of its pods. Who "
        "may write service accounts and run pods takes any IAM role whose trust allows the namespace.",
        fix="Let a pipeline of the platform make service accounts, and let roles trust one service account by its "
        "name.",
        levels=Levels(ERROR, WARNING, ERROR),
        references=(IRSA,),
        check=RightsCheck(_cloud, together=True),
        good=in_namespace('- {apiGroups: [""], resources: [serviceaccounts], verbs: [get, patch]}'),
        bad=in_namespace(
            '- {apiGroups: [""], resources: [serviceaccounts], verbs: [get, patch]}\n'
            '- {apiGroups: [""], resources: [pods], verbs: [create]}'
        ),
        also=("IAM031",),
    ),
)
