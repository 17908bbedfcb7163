"""A plan as classes: what a file repeats is a class with parameters, neutral of any framework.

A file calls a block many times, with other arguments and other shapes, and the plan has all copies with their numbers.
Here that is undone. Every list of layers is gone through once for each combination of arguments and input shapes, and
what its layers are given is written as expressions in the names in sight (`copies`, asking layers through `answers` and
`channels`; `following` where a function reads a size of the list's input): channels are the symbols that arrive,
numbers of the file stay the arithmetic that they are. Then the copies of a list are laid over each other (`sharing`, an
entry at a time in `entries`): where they agree in an expression that is right for all of them (`choosing`), that is the
class; where they do not, an argument is made of it, or the list becomes several classes. An expression that holds for
the copies at hand may still be wrong elsewhere, so whatever was taken for granted is noted with it (`assumed`) and
tried: at other values of the model's parameters (`worlds`), and by planning the file with other arguments
(`elsewhere`). What cannot be shown to be right becomes a plain number. Once all classes are known, arguments that
repeat others go, and every class gets its name (`finishing`).

    list, block   a list of layers as the file has it: the model's own, a block's, or one in place
    copy          a list with one combination of arguments and input shapes
    use           one entry in one copy, and in one of its repetitions: a layer's calls, or another copy
    unit          a list as a class, which stands for some of its copies, or all
    part          what one entry is in a unit
    tensor        what an entry hands on, by its place in the list, with its channels as an expression
    assumed       the names for whose values alone an expression is right

The door is `units.Units`; an emitter turns each unit into a class of its own language. A new emitter needs nothing
here.
"""
