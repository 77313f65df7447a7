"""The parts of EKS that moto lacks: authentication modes, access entries, access policies, updates, tags of entries."""
