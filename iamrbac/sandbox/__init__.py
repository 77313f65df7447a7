"""An AWS and EKS on loopback to learn and test on; nothing but its own commands imports it."""
