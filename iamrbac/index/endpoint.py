"""Where an index may send a token: EKS's own names in the cluster's region, or this machine.

An endpoint that somebody tampered with harvests tokens, so this holds whatever vouches for the index. The names are
those of https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html (IPv4, and dual-stack since October
2024); the suffixes of the partitions are botocore's (endpoints.json, partitions.json). EKS's DescribeCluster gives no
other; a loopback address is what the sandbox's clusters and local emulators of EKS have.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from iamrbac.model.arn import partition_of

_SUFFIXES: Final = {
    "aws": ("amazonaws.com", "api.aws"),
    "aws-us-gov": ("amazonaws.com", "api.aws"),
    "aws-cn": ("amazonaws.com.cn", "api.amazonwebservices.com.cn", "amazonwebservices.com.cn"),
    "aws-iso": ("c2s.ic.gov", "api.aws.ic.gov"),
    "aws-iso-b": ("sc2s.sgov.gov", "api.aws.scloud"),
    "aws-iso-e": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "aws-iso-f": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "aws-eusc": ("amazonaws.eu", "api.amazonwebservices.eu"),
}
"""Of each partition: of the old names first, then of the newer ones."""
_LABEL: Final = "[0-9a-z]([0-9a-z-]*[0-9a-z])?"
_LOOPBACK: Final = re.compile(r"127(\.[0-9]{1,3}){3}|localhost|::1")


def endpoint_fault(endpoint: str, region: str) -> str | None:
    """Return what is wrong with a cluster's endpoint, None where a token may be sent there."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it is no URL"
    if parts.scheme != "https":
        return "it is not https"
    shown = f"[{host}]" if ":" in host else host
    if endpoint.lower() != f"https://{shown}{'' if port is None else f':{port}'}":
        return "it is more than https://HOST:PORT"
    if _LOOPBACK.fullmatch(host) or _is_of_eks(host, region):
        return None
    return f"{host} is not a name that EKS gives in {region}"


def _is_of_eks(host: str, region: str) -> bool:
    old, *newer = _SUFFIXES[partition_of(region)]
    if re.fullmatch(rf"{_LABEL}(\.{_LABEL})*\.{re.escape(region)}\.eks\.{re.escape(old)}", host):
        return True
    # Below the newer suffixes other services have names too, some of which customers get (execute-api): the label
    # before EKS's region is short (gr7).
    suffixes = "|".join(map(re.escape, newer))
    return bool(re.fullmatch(rf"{_LABEL}\.[0-9a-z]{{2,4}}\.{re.escape(region)}\.(eks\.)?({suffixes})", host))
