"""People: which principals an IAM group, user or role stands for. Pure."""
