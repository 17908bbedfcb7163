"""What training a plan takes in memory: what is kept for backward, gradients, the optimizer's state, and the peak.

    memory      the answer, step by step and in total
    running     the plan run as its code runs: `passes`, the blocks; `layouts`, where channels are; `steps`, the calls
    peak        the most that a forward and a backward pass take at once
    optimizers  what they hold beside the weights
    fitting     the largest batch, and what working blocks out twice would save

A new optimizer is a function in `optimizers` and its name there. What a call keeps stands in `planner.autograd`.
"""
