"""The names of weights that are held in parts, as under weight norm or pruning of torch.nn.utils.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html
"""

from __future__ import annotations

from collections.abc import Collection

FORMS = {
    "weight norm": (("{0}_g", "{0}_v"), ("parametrizations.{0}.original0", "parametrizations.{0}.original1")),
    "spectral norm": (("{0}_orig", "{0}_u"), ("parametrizations.{0}.original", "parametrizations.{0}.0._u")),
    "pruning": (("{0}_orig", "{0}_mask"),),
    "a parametrization": (("parametrizations.{0}.original",),),
}
"""What stands in the place of an entry, by what makes it so; the first that is there counts."""
BESIDE = ("{0}_v", "parametrizations.{0}.0._v", "parametrizations.{0}.0._u", "parametrizations.{0}.0.base")
"""What may stand there too."""


def parts_among(names: Collection[str]) -> set[str]:
    """Those names that stand for a part of a weight, to which no whole weight is equal."""
    found = {name for name in names if ".parametrizations." in f".{name}"}
    for form in (form for forms in FORMS.values() for form in forms):
        ending = form[0].removeprefix("{0}")
        for name in names:
            whole = name.removesuffix(ending)
            if whole != name and all(each.format(whole) in names for each in form):
                found.update(part for each in (*form, *BESIDE) if (part := each.format(whole)) in names)
    return found
