"""Laws that predict the loss of a schedule from runs with other schedules."""
