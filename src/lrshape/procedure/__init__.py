"""The search: samplers, base-LR strategies, and the phases screen, rescore, tune and confirm."""
