"""Where trainings run; one file an executor."""
