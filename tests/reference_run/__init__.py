"""A second way to run a plan: step by step in torch, from the fields of each layer and what its page says.

It shares nothing with the emitted code, nor with the calls that layers mean, so that both can be compared with it:

    weights, inputs = weights_of(plan), inputs_of(plan)
    outcome = run(plan, weights, inputs)
    outcome.values["stage1.0.conv1"], outcome.outputs
    differences(report, emitted(report))
"""

from reference_run._agreement import differences
from reference_run._plans import Outcome, run
from reference_run._values import BATCH, inputs_of, weights_of

__all__ = ["BATCH", "Outcome", "differences", "inputs_of", "run", "weights_of"]
