"""Find every declared feature: a file here with `FEATURES` is a family; nothing else names it."""

import pkgutil
from importlib import import_module

from tidemill.schema.features.declaration import WINDOWS_S, Feature, Group, windowed

__all__ = ["FEATURES", "WINDOWS_S", "Feature", "Group", "windowed"]


def _found() -> tuple[Feature, ...]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    features = [one for module in modules for one in getattr(module, "FEATURES", ())]
    order = list(Group)
    found = tuple(sorted(features, key=lambda one: order.index(one.group)))
    names = [one.name for one in found]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"expected each feature once, found {sorted(twice)} twice"
    return found


FEATURES: tuple[Feature, ...] = _found()
"""Every feature, by group; in a group in the order of files and declarations."""
