"""The third check: the cluster's endpoint, from its name to TLS and an answer of a Kubernetes API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iamrbac.diagnosis.facts import Described, Place, Probe, Refused
from iamrbac.diagnosis.verdict import Cause, Fixer, Verdict, failed, ok, unknown

CHECK: Final = "endpoint"


def judge(place: Place, probe: Probe | None) -> Verdict:
    """Judge what became of a request; None where nothing says where the cluster is."""
    if probe is None:
        return _nowhere(place)
    by = f" by the proxy {probe.proxy}" if probe.proxy else ""
    if probe.fault is None:
        trust = "its certificate is not checked (insecure-skip-tls-verify)" if _insecure(place) else "TLS as expected"
        return ok(CHECK, f"{probe.endpoint} answers{by}, {trust}")
    return failed(CHECK, f"{probe.endpoint}: {probe.detail}{by}", _causes(place, probe))


def again(place: Place) -> str:
    """Return the command that writes the cluster's context anew."""
    return f"iamrbac kubeconfig --cluster {place.named.name}"


def gone(place: Place) -> Cause | None:
    """Return that the cluster is not there, where EKS of its own account says so."""
    found = place.described
    if not isinstance(found, Refused) or found.fault != "not-found" or _elsewhere(place):
        return None
    named = place.named
    return Cause(
        "cluster-gone",
        f"EKS has no cluster {named.eks_name} in account {place.account}, region {named.region}",
        Fixer.PLATFORM,
        f"ask whether it was deleted or renamed; then: kubectl config delete-context {_context(place)}",
        sure=True,
    )


def stale(place: Place) -> Cause | None:
    """Return that the kubeconfig is of an earlier cluster of the name, where EKS says so."""
    found, entry = place.described, place.entry
    if not isinstance(found, Described) or entry is None:
        return None
    if entry.server.rstrip("/") != found.endpoint.rstrip("/"):
        both = f"the kubeconfig says {entry.server}, and {found.by} {found.endpoint}"
        text = f"{both}: the cluster was made anew, or is another"
        return Cause("kubeconfig-stale", text, Fixer.YOU, again(place), sure=True)
    if not entry.insecure and entry.certificate_authority.split() != found.certificate_authority.split():
        text = f"the kubeconfig's certificate authority is not {found.by}'s for the cluster: it was made anew"
        return Cause("certificate-changed", text, Fixer.YOU, again(place), sure=True)
    return None


def _nowhere(place: Place) -> Verdict:
    found = place.described
    if (cause := gone(place)) is not None:
        return failed(CHECK, "nothing says where the cluster is", [cause])
    why = found.message if isinstance(found, Refused) else "no kubeconfig has it"
    cause = Cause(
        "endpoint-not-known",
        f"no kubeconfig has an entry for the cluster, and EKS does not say where it is: {why}",
        Fixer.PLATFORM,
        "ask for eks:DescribeCluster on it, or for an access index (`iamrbac index`)",
    )
    return unknown(CHECK, "where the cluster is is not known", [cause])


def _causes(place: Place, probe: Probe) -> Iterator[Cause]:
    for cause in (gone(place), stale(place)):
        if cause is not None:
            yield cause
            return
    match probe.fault:
        case "unresolved":
            yield from _unresolved(place)
        case "refused" | "timeout" | "unreachable":
            yield from _unreachable(probe)
        case "proxy":
            yield _by(
                "proxy-refuses",
                f"the proxy {probe.proxy} does not let this through",
                "check HTTPS_PROXY, NO_PROXY and proxy-url",
            )
        case "untrusted":
            yield from _untrusted(place)
        case "wrong-name":
            text = "the certificate is for another name than the one that is asked for"
            yield _by(
                "certificate-name", text, "set tls-server-name in the kubeconfig, or ask the endpoint by its own name"
            )
        case "not-now":
            yield _by("certificate-time", "the certificate is not valid at this machine's time", "check the clock")
        case _:
            text = "what answers is not a Kubernetes API: a proxy, a captive portal, or another server"
            yield _by("not-kubernetes", text, "check the proxy and the kubeconfig's `server`")


def _unresolved(place: Place) -> Iterator[Cause]:
    yield _by(
        "name-unresolved",
        "the name does not resolve here: no network, another DNS, or a private endpoint outside its VPC",
        "connect the VPN and check with: nslookup HOST",
    )
    yield Cause(
        "cluster-gone",
        "or the cluster was deleted, and its name with it",
        Fixer.PLATFORM,
        f"aws eks describe-cluster --name {place.named.eks_name} --region {place.named.region}",
    )


def _unreachable(probe: Probe) -> Iterator[Cause]:
    if probe.private:
        text = f"the endpoint is private ({probe.address}), and its network is not reached from here"
        yield _by("private-endpoint", text, "connect the VPN, or use the proxy of that network (proxy-url)")
    else:
        yield _by(
            "endpoint-unreachable",
            "a firewall or the network is in the way",
            "check the network, the VPN and HTTPS_PROXY",
        )
        yield Cause(
            "public-access-cidrs",
            "or the cluster's public endpoint does not take your address (publicAccessCidrs), or is switched off",
            Fixer.PLATFORM,
            "ask for your network's address to be let in",
        )


def _untrusted(place: Place) -> Iterator[Cause]:
    # An index may be older than the cluster.
    described = isinstance(place.described, Described) and place.described.status != ""
    text = "something between opens TLS: the certificate is of neither the cluster nor its authority"
    if not described:
        yield _by(
            "certificate-changed",
            "the certificate is not of the kubeconfig's authority: a cluster was made anew under this name",
            again(place),
        )
        text = f"or {text}"
    yield Cause("tls-opened", text, Fixer.YOU, "let the proxy pass the cluster's name unopened", sure=described)


def _by(id_: str, text: str, run: str) -> Cause:
    return Cause(id_, text, Fixer.YOU, run)


def _elsewhere(place: Place) -> bool:
    return bool(place.account and place.cluster_account) and place.account != place.cluster_account


def _insecure(place: Place) -> bool:
    return place.entry is not None and place.entry.insecure


def _context(place: Place) -> str:
    return place.entry.context if place.entry is not None else place.named.name
