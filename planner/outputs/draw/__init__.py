"""What `planner draw` draws: the steps of one report as a graph, in a format each.

A new format is a file whose `render(report, look, engine)` gives text or bytes; one that `has_volumes` also has
`of_svg(drawing, engine)`, for drawings that need no layout, those of `planner map --windows` among them. What all
formats share begins with an underscore: `_drawing` makes boxes of rows, `_picture` is what they are, and a format only
says how they look.
"""
