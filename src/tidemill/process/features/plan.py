"""Make one plan of the declared formulas: what is kept in which windows, what is read, and the steps."""

import ast
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tidemill.process.features.words import ASKED, FUNCTIONS, MEASURES, ROLES, STATISTICS
from tidemill.schema.features import FEATURES, WINDOWS_S, Feature

_BUCKETS_MS = {"s5": 100, "m1": 1_000, "m5": 5_000, "h24": 300_000}
"""How finely each window is kept: its far edge is exact to this. So much of a key is held at most: 50, 60, 60
and 288 buckets."""
_WINDOWS = tuple(WINDOWS_S)
_STEPS: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}


class _Node(NamedTuple):
    """A value: what it is, and what it is made of; equal ones are one."""

    kind: str
    parts: tuple[Any, ...]


class _Formulas:
    """Reads formulas to nodes."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = {one.name: one for one in features}
        self.series: dict[tuple[str, str | None], list[tuple[str, int]]] = {}
        """By source and key: the measure and window of each track."""
        self.quantiled: set[tuple[str, str | None, str, int]] = set()

    def read(self, feature: Feature) -> _Node:
        tree = ast.parse(feature.formula, mode="eval").body
        return self._node(tree, feature)

    def _node(self, tree: ast.expr, feature: Feature) -> _Node:
        match tree:
            case ast.Constant(value=int() | float() as value):
                return _Node("constant", (float(value),))
            case ast.Name(id=name) if name in MEASURES[ASKED]:
                return _Node("fact", (name,))
            case ast.Name(id=name) if name in self._features and name != feature.name:
                return self.read(self._features[name])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _Node("neg", (self._node(operand, feature),))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _STEPS:
                return _Node(_STEPS[type(op)], (self._node(left, feature), self._node(right, feature)))
            case ast.Call(func=ast.Name(id=name), args=args) if name in FUNCTIONS:
                if len(args) == FUNCTIONS[name][0]:
                    return _Node(name, tuple(self._node(one, feature) for one in args))
            case ast.Call(func=ast.Name(id=name), args=args) if name in STATISTICS:
                return self._statistic(name, args, feature)
            case _:
                pass
        raise ValueError(f"feature {feature.name}: expected words of a formula, found {ast.unparse(tree)!r}")

    def _statistic(self, name: str, args: list[ast.expr], feature: Feature) -> _Node:
        match name, args:
            case "quantile", [measured, ast.Name(id=window), ast.Constant(value=float() as share)]:
                statistic: Any = {"quantile": share}
            case _, [measured, ast.Name(id=window)] if name != "quantile":
                statistic = name
            case _:
                raise ValueError(f"feature {feature.name}: expected {name}(role.measure, window)")
        match measured:
            case ast.Attribute(value=ast.Name(id=role_name), attr=measure) if role_name in ROLES:
                role = ROLES[role_name]
            case _:
                raise ValueError(
                    f"feature {feature.name}: expected role.measure, found {ast.unparse(measured)!r}"
                )
        if measure not in MEASURES[role.source] or window not in _WINDOWS:
            raise ValueError(f"feature {feature.name}: expected a measure of {role.source} and a window")
        number = _WINDOWS.index(window)
        tracks = self.series.setdefault((role.source, role.key), [])
        if (measure, number) not in tracks:
            tracks.append((measure, number))
        if name == "quantile":
            self.quantiled.add((role.source, role.key, measure, number))
        series = list(self.series).index((role.source, role.key))
        track = tracks.index((measure, number))
        return _Node("read", (series, role.asked, track, json.dumps(statistic), feature.warm_up))


def _operands(node: _Node) -> tuple[_Node, ...]:
    return tuple(part for part in node.parts if isinstance(part, _Node))


def plan_of(features: Sequence[Feature] = FEATURES) -> str:
    """Return the plan of `features` for `FeatureEngine`, as JSON. Raises: ValueError, naming the feature."""
    formulas = _Formulas(features)
    roots = [formulas.read(one) for one in features]
    ordered: dict[_Node, None] = {}

    def visit(node: _Node) -> None:
        if node not in ordered:
            for operand in _operands(node):
                visit(operand)
            ordered[node] = None

    for root in roots:
        visit(root)
    leaves = [[node for node in ordered if node.kind == kind] for kind in ("fact", "constant", "read")]
    steps = [node for node in ordered if _operands(node)]
    registers = {node: at for at, node in enumerate([*leaves[0], *leaves[1], *leaves[2], *steps])}
    return json.dumps(
        {
            "windows": [
                {"span_ns": WINDOWS_S[name] * 10**9, "bucket_ns": _BUCKETS_MS[name] * 10**6}
                for name in _WINDOWS
            ],
            "series": _series(formulas),
            "asked": ASKED,
            "facts": [node.parts[0] for node in leaves[0]],
            "constants": [node.parts[0] for node in leaves[1]],
            "reads": [_read(node) for node in leaves[2]],
            "steps": [_step(node, registers) for node in steps],
            "outputs": [
                {"name": one.name, "register": registers[root], "least": one.least, "most": one.most}
                for one, root in zip(features, roots, strict=True)
            ],
        }
    )


def _series(formulas: _Formulas) -> list[dict[str, Any]]:
    return [
        {
            "source": source,
            "key": key,
            "tracks": [
                {
                    "measure": measure,
                    "window": window,
                    "has_quantiles": (source, key, measure, window) in formulas.quantiled,
                }
                for measure, window in tracks
            ],
        }
        for (source, key), tracks in formulas.series.items()
    ]


def _read(node: _Node) -> dict[str, Any]:
    series, asked, track, statistic, values_min = node.parts
    return {
        "series": series,
        "key": asked,
        "track": track,
        "statistic": json.loads(statistic),
        "values_min": values_min,
    }


def _step(node: _Node, registers: dict[_Node, int]) -> dict[str, Any]:
    operands = [registers[operand] for operand in _operands(node)]
    return {node.kind: operands[0] if len(operands) == 1 else operands}


def window_of(feature: Feature) -> int:
    """Return the longest window in its formula, and in those it names, s; 0 where there is none."""
    words = {one.id for one in ast.walk(ast.parse(feature.formula)) if isinstance(one, ast.Name)}
    within = [window_of(one) for one in FEATURES if one.name in words and one.name != feature.name]
    return max([*within, *(WINDOWS_S[word] for word in words if word in WINDOWS_S)], default=0)
