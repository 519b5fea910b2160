"""The laws: the bound, and those of loss curves."""
