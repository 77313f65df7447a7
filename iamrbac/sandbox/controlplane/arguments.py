"""How each server of the control plane is told what to do."""

from __future__ import annotations

from typing import Final

from iamrbac.sandbox.controlplane.files import Files

# Without them view, edit and admin have no rules, and a deleted namespace stays Terminating.
_CONTROLLERS: Final = "clusterrole-aggregation-controller,namespace-controller,serviceaccount-controller"


def etcd(files: Files, client: int, peer: int) -> tuple[str, ...]:
    """Arguments of etcd, with its two ports."""
    return (
        f"--data-dir={files['etcd']}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    )


def api_server(files: Files, port: int, etcd: int) -> tuple[str, ...]:
    """Arguments of kube-apiserver, with its port and etcd's. The front says how callers are authorized."""
    return (
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        # A loopback address is no endpoint of the service kubernetes.
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={files['certificates']}",
        f"--tls-cert-file={files['server.crt']}",
        f"--tls-private-key-file={files['server.key']}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files['accounts.key']}",
        f"--service-account-signing-key-file={files['accounts.key']}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        f"--token-auth-file={files['tokens.csv']}",
        f"--authentication-config={files['authentication.json']}",
    )


def controllers(files: Files) -> tuple[str, ...]:
    """Arguments of kube-controller-manager."""
    return (
        f"--kubeconfig={files['controllers.json']}",
        f"--controllers={_CONTROLLERS}",
        "--leader-elect=false",
        "--secure-port=0",
        # A namespace costs its controller some sixty requests, which the default of twenty a second makes wait.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
    )
