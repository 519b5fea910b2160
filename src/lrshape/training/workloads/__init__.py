"""What is trained and how it is scored; one file a workload."""
