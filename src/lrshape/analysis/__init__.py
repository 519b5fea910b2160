"""Tables and answers from stored trials. A trial that diverged or failed scores +inf, everywhere."""
