"""A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager, found or built, and run."""
