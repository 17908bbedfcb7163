"""Which inputs of a model hold whole numbers that pick something, as the tokens of an Embedding do."""

from __future__ import annotations

from planner.plan import Plan


def picked(plan: Plan) -> dict[int, int]:
    """Inputs that hold whole numbers, by their place among the inputs, and how many each picks from."""
    places = {id(step): k for k, step in enumerate(plan.inputs)}
    found: dict[int, int] = {}
    below: dict[int, int] = {}
    for i in reversed(range(len(plan.steps))):
        step = plan.steps[i]
        if step.layer is not None and step.layer.indices:
            most = next((sizes[0] for sizes in step.weights.values()), min(map(min, step.inputs)))
        elif i in below and not step.weights and not (step.layer and step.layer.whole):
            most = below[i]
        else:
            continue
        if step.is_input:
            found[places[id(step)]] = most
        for ref in step.sources:
            below[ref.step] = min(most, below.get(ref.step, most))
    return found
