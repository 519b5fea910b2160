"""Where trials run; one file an executor."""
