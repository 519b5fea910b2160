"""The engine trains populations of members under given learning rates; workloads and optimizers."""
