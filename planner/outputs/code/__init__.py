"""Model files as programs, an emitter each.

An emitter takes the classes that `planner.classes` makes of a plan, and writes each as a class of its framework: every
entry of a list is constructed once, and called in the forward pass with the tensors that it reads. Each is a folder
here, found by its name, whose `render(report, …)` gives the text of a program.
"""
