"""The families, one file each or a tight group."""
