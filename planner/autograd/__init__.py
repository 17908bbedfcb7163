"""PyTorch's operations on tensors without values: where results lie in memory, and what autograd keeps for backward.

`calls` runs the calls that layers mean; what they do stands in the other files, by family. `tape` notes it.

What is kept is PyTorch's own doing, and is compared with it: a figure is mended here, never rounded. A new call is a
function in `calls`.
"""
