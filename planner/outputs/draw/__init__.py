"""What `planner draw` draws: the steps of one report as a graph, in a format each."""
