"""Which inputs of a model hold whole numbers that pick something, as the tokens of an Embedding do."""

from __future__ import annotations

from planner.plan import Plan, Tensor


def picked(plan: Plan) -> dict[int, int]:
    """Inputs that hold whole numbers, by their place among the inputs, and how many each picks from."""
    places = {id(step): k for k, step in enumerate(plan.inputs)}
    found: dict[int, int] = {}
    below: dict[Tensor, int] = {}
    for i in reversed(range(len(plan.steps))):
        step = plan.steps[i]
        indices = step.layer.indices if step.layer is not None else ()
        most = next((sizes[0] for sizes in step.weights.values()), min((n for x in step.inputs for n in x), default=0))
        own = step.layer.places if step.layer is not None else ()
        moved = [below[ref] for o in range(len(step.outputs)) if (ref := Tensor(i, o)) in below and o not in own]
        if step.is_input and moved:
            found[places[id(step)]] = min(moved)
        for k, ref in enumerate(step.sources):
            picking = [most] if k in indices else moved if not step.weights else []
            if picking:
                below[ref] = min([*picking, below.get(ref, picking[0])])
    return found
