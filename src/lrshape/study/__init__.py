"""Studies: their spec, their phases, and running them."""
