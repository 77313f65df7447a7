"""What a delivery repository holds: layouts, files, the forms of access entries; and what files say. Pure."""
