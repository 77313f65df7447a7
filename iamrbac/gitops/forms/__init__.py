"""The access entries of a cluster as other tools keep them in Git: one file per form, each both writes and reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamrbac.gitops.forms.ack import Ack
from iamrbac.gitops.forms.cloudformation import CloudFormation
from iamrbac.gitops.forms.crossplane import Crossplane
from iamrbac.gitops.forms.eksctl import Eksctl
from iamrbac.gitops.forms.form import Form, Mapped, Written
from iamrbac.gitops.forms.pulumi import Pulumi
from iamrbac.gitops.forms.terraform import Terraform
from iamrbac.model.gitops import EntriesForm

__all__ = ["FORMS", "Form", "Mapped", "Written"]

FORMS: Final[Mapping[EntriesForm, Form]] = {
    "ack": Ack(),
    "crossplane": Crossplane(),
    "terraform": Terraform(),
    "cloudformation": CloudFormation(),
    "eksctl": Eksctl(),
    "pulumi": Pulumi(),
}
