"""The stub says what the compiled module is: every name, every parameter, nothing more."""

import ast
import inspect
from pathlib import Path

import pytest

import tidemill
from tidemill import _rust

_STUB = ast.parse((Path(tidemill.__file__).parent / "_rust.pyi").read_text("utf-8"))
_CLASSES = [node for node in _STUB.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
_FUNCTIONS = [node for node in _STUB.body if isinstance(node, ast.FunctionDef)]


def _parameters(node: ast.FunctionDef) -> list[str]:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def _found_parameters(function: object) -> list[str]:
    assert callable(function)
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def test_the_module_s_names_are_the_stub_s() -> None:
    [declared] = [node.value for node in _STUB.body if isinstance(node, ast.Assign)]
    names = {name for name in vars(_rust) if not name.startswith("_")}
    assert names == set(ast.literal_eval(declared))
    assert names == {node.name for node in (*_CLASSES, *_FUNCTIONS)}


@pytest.mark.parametrize("node", _FUNCTIONS, ids=lambda node: node.name)
def test_a_function_takes_what_the_stub_says(node: ast.FunctionDef) -> None:
    assert _found_parameters(getattr(_rust, node.name)) == _parameters(node)


@pytest.mark.parametrize("node", _CLASSES, ids=lambda node: node.name)
def test_a_class_has_what_the_stub_says(node: ast.ClassDef) -> None:
    found = getattr(_rust, node.name)
    members = {member.name: member for member in node.body if isinstance(member, ast.FunctionDef)}
    public = {name for name in vars(found) if not name.startswith("_")}
    assert public == {name for name in members if not name.startswith("_")}
    for name, member in members.items():
        is_property = any(ast.unparse(one) == "property" for one in member.decorator_list)
        if name == "__new__":
            assert _found_parameters(found) == _parameters(member)
        elif not is_property and not name.startswith("__"):
            assert _found_parameters(getattr(found, name)) == _parameters(member), name
