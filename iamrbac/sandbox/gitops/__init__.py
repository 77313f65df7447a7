"""What pulls from a Git repository and keeps a cluster true to it: Argo CD's own engine, or a stand-in for it."""
