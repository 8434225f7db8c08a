"""Read settings into typed structs: defaults, a TOML file, the environment; what is unknown is refused."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from tidemill.core.redact import HIDDEN, Redactor
from tidemill.schema.faults import Refused

PREFIX = "TIDEMILL_"
"""Every setting has an environment name: the prefix, its section and its name, in capitals."""

NAME_FIELD = "source"
"""A field of this name in a table of structs is the entry's own name, and is not set by itself."""

S = TypeVar("S", bound=Struct)
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_FIELDS = frozenset(
    {
        "token",
        "api_key",
        "secret",
        "passphrase",
        "password",
        "sasl_password",
        "jwt_secret",
        "webhook_url",
        "ping_url",
    }
)
"""Settings of these names are never shown."""
_SECTION = object()
"""Stands for a section in place of a value."""
_USERINFO = re.compile(r"^[a-z+]+://[^/\s]*:[^/\s]*@")


class Value(NamedTuple):
    """A value before it is checked, and where it comes from."""

    raw: Any
    origin: str
    is_text: bool
    """Whether it came as text, so that numbers and booleans must be read out of it."""


class Row(NamedTuple):
    """One effective setting, fit to be shown."""

    key: str
    value: str
    origin: str


class Loaded(NamedTuple, Generic[S]):
    """Settings, where each came from, and what must never be shown."""

    settings: S
    origins: dict[str, str]
    """By key (`bus.url`); a setting that is absent here has its default."""
    redactor: Redactor

    def rows(self) -> Iterator[Row]:
        """Yield every effective setting with its origin, redacted."""
        for key, value in _leaves(self.settings, ()):
            is_secret = bool(value) and key.rpartition(".")[2] in _SECRET_FIELDS
            shown = HIDDEN if is_secret else self.redactor(_shown(value))
            yield Row(key, shown, self.origins.get(key, "default"))


def load(
    kind: type[S], file: Path | None, environ: Mapping[str, str], aliases: Mapping[str, str] | None = None
) -> Loaded[S]:
    """Return the settings of `kind` from `file` (TOML; None for none) and `environ`, which wins.

    `aliases` maps environment names of other makers to keys, such as LOG_LEVEL to log.level.

    Raises: Refused, naming the key or variable, its value and what was expected.
    """
    found: dict[tuple[str, ...], Value] = {}
    sections: list[tuple[str, ...]] = []
    secrets: set[str] = set()
    if file is not None:
        for path, raw in _read_toml(file):
            key = _known(kind, path, f"{file.name}")
            if raw is _SECTION:
                sections.append(_checked_section(kind, key, file.name))
            else:
                found[key] = _filled(raw, key, file.name, environ, secrets)
    for name in sorted(environ):
        key = _key_of(kind, name, dict(aliases or {}), {path[:2] for path in found})
        if key is not None:
            found[key] = Value(environ[name], f"environment {name}", True)
            secrets.update(_credentials(environ[name]))
    secrets.update(str(value.raw) for key, value in found.items() if key[-1] in _SECRET_FIELDS)
    tree: dict[str, Any] = {}
    for key in sections:  # an empty section of a table is an entry too, and lacks what an entry needs
        branch = tree
        for part in key:
            branch = branch.setdefault(part, {})
    for key, value in found.items():
        branch = tree
        for part in key[:-1]:
            branch = branch.setdefault(part, {})
        branch[key[-1]] = _checked(_type_of(kind, key), key, value, Redactor(secrets))
    origins = {".".join(key): value.origin for key, value in found.items()}
    return Loaded(_built(kind, tree, ()), origins, Redactor(secrets))


def read_env_file(file: Path) -> dict[str, str]:
    """Return the NAME=value lines of an `.env` file; an absent file has none.

    Raises: Refused, where a line is neither that, nor empty, nor a comment.
    """
    try:
        content = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise Refused(f"{file}: expected NAME=value lines, it cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError as fault:
        raise Refused(f"{file}: expected NAME=value lines in UTF-8, found others: {fault}") from None
    out: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise Refused(f"{file.name}:{number}: expected NAME=value")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        out[name.strip()] = value[1:-1] if quoted else value.split(" #")[0].strip()
    return out


# --- the shape of a struct


def _fields(kind: type[Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _is_struct(spelled: Any) -> bool:
    return isinstance(spelled, type) and issubclass(spelled, Struct)


def table_of(spelled: Any) -> type[Struct] | None:
    """Return the struct of a table of named structs, such as that of the chains; None for any other type."""
    arguments = get_args(spelled)
    return arguments[1] if get_origin(spelled) is dict and _is_struct(arguments[1]) else None


def _type_of(kind: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        table = table_of(kind)
        kind = table if table else _fields(kind)[part]
    return kind


def _known(kind: Any, path: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return `path`, all of whose parts `kind` knows. Raises: Refused, with the nearest name."""
    at = kind
    for depth, part in enumerate(path):
        table = table_of(at)
        if table:
            at = table
            continue
        if not _is_struct(at):
            break
        names = _fields(at)
        if part not in names or (part == NAME_FIELD and depth > 1):
            names.pop(NAME_FIELD, None)
            raise Refused(f"{where}: {'.'.join(path[: depth + 1])}: unknown setting; {_hint(part, names)}")
        at = names[part]
    return path


def _read_toml(file: Path) -> Iterator[tuple[tuple[str, ...], Any]]:
    try:
        content = tomllib.loads(file.read_text())
    except FileNotFoundError:
        raise Refused(f"{file}: expected a settings file, found none") from None
    except OSError as fault:
        raise Refused(f"{file}: expected a settings file, it cannot be read: {fault.strerror}") from None
    except (ValueError, RecursionError) as fault:  # it may also nest too deep, or hold too long a number
        raise Refused(f"{file.name}: expected TOML: {fault}") from None
    yield from _flat(content, ())


def _flat(content: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield (*path, name), _SECTION
            yield from _flat(value, (*path, name))
        else:
            yield (*path, name), value


# --- values


def _filled(
    raw: Any, key: tuple[str, ...], where: str, environ: Mapping[str, str], secrets: set[str]
) -> Value:
    """Fill `${NAME}` from the environment; a password written into the file itself is refused."""
    origin = f"{where}:{'.'.join(key)}"
    if not isinstance(raw, str):
        return Value(raw, origin, False)
    if _USERINFO.match(_PLACEHOLDER.sub("", raw)) and not _PLACEHOLDER.search(raw):
        raise Refused(
            f"{origin}: expected no password in the file; put it into the environment and write ${{NAME}}"
        )
    names = _PLACEHOLDER.findall(raw)
    for name in names:
        if name not in environ:
            raise Refused(f"{origin}: expected the environment to have {name}, which ${{{name}}} asks for")
        secrets.add(environ[name])
    filled = _PLACEHOLDER.sub(lambda found: environ[found[1]], raw)
    return Value(filled, f"{origin} with {', '.join(names)}" if names else origin, False)


def _credentials(text: str) -> Iterator[str]:
    found = re.match(r"^[a-z+]+://([^/\s@]*)@", text)
    if found:
        yield from (part for part in found[1].split(":") if part)


def _key_of(
    kind: type[Struct], name: str, aliases: dict[str, str], present: set[tuple[str, ...]]
) -> tuple[str, ...] | None:
    """Return the key that the environment name sets, None where it is not ours. Raises: Refused."""
    if name in aliases:
        return tuple(aliases[name].split("."))
    if not name.startswith(PREFIX):
        return None
    words = name.removeprefix(PREFIX).lower()
    for section, spelled in _fields(kind).items():
        if not words.startswith(f"{section}_"):
            continue
        rest = words.removeprefix(f"{section}_")
        table = table_of(spelled)
        if table is None:
            return (section, *_split(spelled, rest, f"environment {name}: {section}"))
        names = [entry[1] for entry in present if len(entry) > 1 and entry[0] == section]
        for field in sorted(_fields(table), key=len, reverse=True):
            entry = rest.removesuffix(f"_{field}")
            if entry and entry != rest:
                same = [known for known in names if known.lower().replace("-", "_") == entry]
                return section, (same or [entry])[0], field
        raise Refused(
            f"environment {name}: unknown setting; expected {PREFIX}{section.upper()}_<NAME>_<SETTING>"
        )
    return None


def _split(kind: type[Struct], words: str, where: str) -> tuple[str, ...]:
    """Return the path that `words`, joined by underscores, spell out below `kind`. Raises: Refused."""
    for field, spelled in _fields(kind).items():
        if _is_struct(spelled) and words.startswith(f"{field}_"):
            return (field, *_split(spelled, words.removeprefix(f"{field}_"), f"{where}.{field}"))
    if words not in _fields(kind):
        raise Refused(f"{where}.{words}: unknown setting; {_hint(words, _fields(kind))}")
    return (words,)


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _checked_section(kind: Any, key: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return `key` where the settings have sections. Raises: Refused."""
    spelled = _type_of(kind, key)
    if _is_struct(spelled) or table_of(spelled):
        return key
    name = getattr(spelled, "__name__", str(spelled))
    raise Refused(f"{where}: {'.'.join(key)}: expected a value ({name}), found a section")


def _checked(spelled: Any, key: tuple[str, ...], value: Value, redactor: Redactor) -> Any:
    raw = value.raw
    if value.is_text and get_origin(spelled) in {list, tuple}:
        raw = [item.strip() for item in raw.split(",") if item.strip()]
    try:
        return msgspec.convert(raw, spelled, strict=not value.is_text)
    except msgspec.ValidationError as fault:
        message = str(fault)[0].lower() + str(fault)[1:]
        raise Refused(f"{value.origin}: {'.'.join(key)} = {redactor(repr(raw))}: {message}") from None


def _built(kind: type[S], tree: dict[str, Any], path: tuple[str, ...]) -> S:
    arguments: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        given = tree.get(field.name)
        table = table_of(field.type)
        if table is not None and given is not None:
            arguments[field.name] = {
                name: _built(table, {**entry, **_own_name(table, name)}, (*path, field.name, name))
                for name, entry in given.items()
            }
        elif _is_struct(field.type) and isinstance(given, dict):
            arguments[field.name] = _built(field.type, given, (*path, field.name))
        elif given is not None:
            arguments[field.name] = given
        elif field.required:
            raise Refused(f"{'.'.join((*path, field.name))}: expected a value, found none")
    return kind(**arguments)


def _own_name(table: type[Struct], name: str) -> dict[str, str]:
    return {NAME_FIELD: name} if NAME_FIELD in _fields(table) else {}


def _leaves(at: Struct, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in _fields(type(at)):
        if name == NAME_FIELD and len(path) > 1:
            continue
        value = getattr(at, name)
        if isinstance(value, Struct):
            yield from _leaves(value, (*path, name))
        elif isinstance(value, dict) and value and all(isinstance(v, Struct) for v in value.values()):
            for entry, struct in value.items():
                yield from _leaves(struct, (*path, name, entry))
        else:
            yield ".".join((*path, name)), value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value, enc_hook=str).decode()
