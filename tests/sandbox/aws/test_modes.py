"""accessConfig: made, described, changed in steps forward, with an update that takes a while."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from tests.sandbox.aws.conftest import ROLE, make_cluster
from tests.sandbox.aws.test_entries import refused


def mode_of(eks: Any, cluster: str) -> str:
    mode: str = eks.describe_cluster(name=cluster)["cluster"]["accessConfig"]["authenticationMode"]
    return mode


def change(eks: Any, cluster: str, mode: str) -> None:
    """Change the mode and wait, as a client has to: EKS has no waiter for it."""
    config = {"authenticationMode": mode}
    update = eks.update_cluster_config(name=cluster, accessConfig=config)["update"]
    assert (update["status"], update["type"]) == ("InProgress", "AccessConfigUpdate")
    assert update["params"] == [{"type": "AuthenticationMode", "value": f'"{mode}"'}]
    deadline = time.monotonic() + 60
    while eks.describe_update(name=cluster, updateId=update["id"])["update"]["status"] == "InProgress":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert eks.describe_update(name=cluster, updateId=update["id"])["update"]["status"] == "Successful"
    assert update["id"] in eks.list_updates(name=cluster)["updateIds"]


def test_created_without_accessconfig(eks: Any) -> None:
    name = f"c-{uuid.uuid4().hex[:12]}"
    made = eks.create_cluster(name=name, roleArn=ROLE, resourcesVpcConfig={})["cluster"]
    config = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}
    assert made["accessConfig"] == config
    assert eks.describe_cluster(name=name)["cluster"]["accessConfig"] == config
    assert made["name"] == name


def test_forward_in_steps(eks: Any) -> None:
    cluster = make_cluster(eks, "CONFIG_MAP")
    change(eks, cluster, "API_AND_CONFIG_MAP")
    assert mode_of(eks, cluster) == "API_AND_CONFIG_MAP"
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == []
    change(eks, cluster, "API")
    assert mode_of(eks, cluster) == "API"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CONFIG_MAP", "API"),
        ("CONFIG_MAP", "CONFIG_MAP"),
        ("API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP"),
        ("API_AND_CONFIG_MAP", "CONFIG_MAP"),
        ("API", "API"),
        ("API", "API_AND_CONFIG_MAP"),
        ("API", "CONFIG_MAP"),
        ("API_AND_CONFIG_MAP", "NONE"),
    ],
)
def test_no_other_way(eks: Any, before: str, after: str) -> None:
    cluster = make_cluster(eks, before)
    answer = refused(eks.update_cluster_config, name=cluster, accessConfig={"authenticationMode": after})
    assert answer == (
        400,
        "InvalidParameterException",
        f"Unsupported authentication mode update from {before} to {after}",
    )
    assert mode_of(eks, cluster) == before


def test_one_update_at_a_time(eks: Any) -> None:
    cluster = make_cluster(eks, "CONFIG_MAP")
    config = {"authenticationMode": "API_AND_CONFIG_MAP"}
    update = eks.update_cluster_config(name=cluster, accessConfig=config)["update"]
    assert eks.describe_cluster(name=cluster)["cluster"]["status"] == "UPDATING"
    assert mode_of(eks, cluster) == "CONFIG_MAP"
    answer = refused(eks.update_cluster_config, name=cluster, accessConfig=config)
    text = f"Cannot AccessConfigUpdate because cluster {cluster} currently has update {update['id']} in progress"
    assert answer == (409, "ResourceInUseException", text)


def test_config_map_needs_the_bootstrap(eks: Any) -> None:
    for config in (
        {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": False},
        {"bootstrapClusterCreatorAdminPermissions": False},
    ):
        answer = refused(eks.create_cluster, name="c-never", roleArn=ROLE, resourcesVpcConfig={}, accessConfig=config)
        assert answer == (
            400,
            "InvalidParameterException",
            "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP",
        )
    assert refused(eks.describe_cluster, name="c-never")[0] == 404


def test_other_updates_are_motos(eks: Any) -> None:
    cluster = make_cluster(eks, "CONFIG_MAP")
    eks.update_cluster_config(name=cluster, logging={"clusterLogging": []})
    both = refused(
        eks.update_cluster_config,
        name=cluster,
        logging={"clusterLogging": []},
        accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"},
    )
    assert both[1] == "InvalidParameterException"
    assert refused(eks.describe_update, name=cluster, updateId="none")[:2] == (404, "ResourceNotFoundException")


def test_a_cluster_made_anew_has_no_memory(eks: Any, user: str) -> None:
    cluster = make_cluster(eks, "API")
    eks.create_access_entry(clusterName=cluster, principalArn=user)
    eks.delete_cluster(name=cluster)
    config = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    eks.create_cluster(name=cluster, roleArn=ROLE, resourcesVpcConfig={}, accessConfig=config)
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == []
