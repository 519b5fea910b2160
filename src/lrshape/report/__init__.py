"""Pages and figures: the kit that every page is made with, and the report of a study."""
