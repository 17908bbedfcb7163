"""Analyses of a plan: each file has one function from Plan to a typed result.

A new analysis is a new file, and a property of `Report` that asks for it when it is first wanted. An analysis asks
layers and links for their answers and knows no type; exact integers and fractions only. What follows from a step's
facts, and from what its sources have been found to be, is asked through `recall`, once for all plans that share them.

What is asked of a model, and not of one plan, is which sizes its inputs may have:

    line, nearby, walk  the plans at all sizes of an axis (`replanning`: some steps of a plan planned anew), and from
                        which size on they repeat (`far`: what repeats; `arguments`: what is worked out from sizes;
                        `asking`, `growing`: what one step says to other shapes)
    residues            sets of sizes that go on for ever
    sizes               the sizes of one axis that work, lose nothing and leave nothing over
    dependence, joint   which axes depend on one another, and the sizes at which these work together (`coupling`,
                        `matches`)
    input_sizes         the door: the answer for each axis of each input, or why there is none
"""
