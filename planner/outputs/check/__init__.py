"""What `planner check` prints: the findings of any number of reports, in a format each.

A new format is a file whose `render(reports, screen)` gives text. The JSON and SARIF keys are promises.
"""
