"""Parts of the front end for programs that `torch.export` wrote: the archive, the program in it, its calls.

An operator of ATen that differs from its function of PyTorch is a function in `operators`; a layer that a program has
as several functions, one in `layers`. Nothing of a program may be run.
"""
