"""What are the routes, for other programs and for people: an OpenAPI 3.1 schema, and a page made of it."""

import html
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from tidemill.core.documented import documented
from tidemill.serve.answers import OTHER_FAULT, STATUSES, FaultAnswer
from tidemill.serve.route import Route

_REF = "#/components/schemas/{name}"
_SECURED = [{"bearer": []}, {"api_key": []}]
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_WHO = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_SENT = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE,)


class Described:
    """The schema and the page of some routes, made once."""

    def __init__(self, routes: Iterable[Route], version: str | None) -> None:
        listed = list(routes)
        self.schema = msgspec.json.encode(openapi(listed, version))
        self.page = _page(listed)


def openapi(routes: Iterable[Route], version: str | None) -> dict[str, Any]:
    """Return the OpenAPI 3.1 schema of the routes that are asked over HTTP."""
    asked = [route for route in routes if route.method != "WEBSOCKET"]
    kinds: list[Any] = [FaultAnswer]
    for route in asked:
        kinds += [kind for kind in (route.asked, route.body) if kind is not None]
        if route.tells is not None and not isinstance(route.tells, dict):
            kinds.append(route.tells)
    kinds = list(dict.fromkeys(kinds))
    spelled, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas = _Schemas(dict(zip(kinds, spelled, strict=True)), components)
    paths: dict[str, dict[str, Any]] = {}
    for route in asked:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "tidemill", "version": version or "0"},
        "paths": paths,
        "components": {"schemas": schemas.kept(), "securitySchemes": _SCHEMES},
    }


class _Schemas:
    def __init__(self, by_kind: dict[Any, dict[str, Any]], components: dict[str, Any]) -> None:
        self._by_kind = by_kind
        self._components = components
        self._parameters: set[str] = set()

    def of(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type, or the one that is given."""
        return kind if isinstance(kind, dict) else self._by_kind[kind]

    def properties(self, kind: type[Struct]) -> dict[str, Any]:
        """Return the schema of each parameter; the whole is no schema of its own."""
        name = self._by_kind[kind]["$ref"].rpartition("/")[2]
        self._parameters.add(name)
        return self._components[name]["properties"]

    def kept(self) -> dict[str, Any]:
        """Return what is referred to."""
        return {name: one for name, one in self._components.items() if name not in self._parameters}


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    title, _, more = (route.answer.__doc__ or "").strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()} {route.path}",
        "summary": route.summary,
        "description": "\n".join(line.strip() for line in (title + "\n" + more).strip().splitlines()),
        "parameters": list(_parameters(route, schemas)),
        "responses": _responses(route, schemas),
        "security": [] if route.role is None else _SECURED,
    }
    if route.role is not None:
        operation["x-role"] = str(route.role)
    if route.body is not None:
        content = {"application/json": {"schema": schemas.of(route.body)}}
        operation["requestBody"] = {"content": content, "required": True}
    return operation


def _parameters(route: Route, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    meanings = documented(route.asked)
    spelled = schemas.properties(route.asked)
    for field in msgspec.structs.fields(route.asked):
        is_in_path = f"{{{field.name}" in route.path
        schema = spelled[field.encode_name]
        if "anyOf" in schema:  # a parameter that is absent is not null
            options = [one for one in schema["anyOf"] if one.get("type") != "null"]
            schema = options[0] if len(options) == 1 else {"anyOf": options}
        parameter = {
            "name": field.encode_name,
            "in": "path" if is_in_path else "query",
            "required": is_in_path or field.required,
            "schema": schema,
        }
        if meanings.get(field.name):
            parameter["description"] = " ".join(meanings[field.name].split())
        if field.name in route.example:
            parameter["example"] = route.example[field.name]
        yield parameter


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    told = schemas.of(route.tells) if route.tells is not None else {}
    answered = {
        "content": {
            media_type: {"schema": told if media_type == "application/json" else {}}
            for media_type in route.media_types
        }
    }
    fault = {"content": {"application/json": {"schema": schemas.of(FaultAnswer)}}}
    statuses = {*STATUSES.values(), OTHER_FAULT}
    statuses |= set(_WHO if route.role is not None else ()) | set(_SENT if route.body else ())
    responses: dict[str, Any] = {
        str(int(status)): {"description": status.phrase, **fault} for status in sorted(statuses)
    }
    for status in (HTTPStatus.OK, *route.statuses):
        responses[str(int(status))] = {"description": status.phrase, **answered}
    if HTTPStatus.SERVICE_UNAVAILABLE in route.statuses:
        both = [told, schemas.of(FaultAnswer)]
        responses["503"]["content"] = {"application/json": {"schema": {"anyOf": both}}}
    return responses


def _page(routes: Iterable[Route]) -> str:
    rows: list[str] = []
    for route in routes:
        path = html.escape(route.path)
        if route.method == "GET" and ("{" not in route.path):
            target = route.path + (f"?{urlencode(route.example)}" if route.example else "")
            path = f'<a href="{html.escape(target)}">{html.escape(target)}</a>'
        role = "" if route.role is None else str(route.role)
        names = ", ".join(field.name for field in msgspec.structs.fields(route.asked))
        cells = (route.method, path, role, html.escape(route.summary), html.escape(names))
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>tidemill</title><h1>tidemill: data API</h1>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p><table border=1 cellpadding=4>'
        "<tr><th>method<th>path<th>role<th>what it does<th>parameters</tr>" + "\n".join(rows) + "</table>"
    )
