"""What `planner check` prints: the findings of any number of reports, in a format each."""
