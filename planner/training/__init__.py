"""What training a plan takes in memory: what is kept for backward, gradients, the optimizer's state, and the peak."""
