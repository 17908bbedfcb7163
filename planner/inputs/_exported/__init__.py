"""Parts of the front end for programs that `torch.export` wrote: the archive, the program in it, its calls."""
