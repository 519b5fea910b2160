"""The optimum itself: the best of all schedules where it can be computed, and how near each family comes."""
