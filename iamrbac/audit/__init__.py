"""What a cluster's audit log says of the access that the policies give: what is used, what is not, what is denied."""
