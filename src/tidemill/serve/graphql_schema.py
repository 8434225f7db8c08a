"""What can be asked in GraphQL: pages and subscriptions of each kind of event, made of the schema."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import cache
from typing import Annotated, Any, NewType

import pyarrow as pa
import strawberry
from graphql import FragmentDefinitionNode, FragmentSpreadNode, GraphQLError, Visitor, visit
from strawberry.extensions import (
    MaskErrors,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
    SchemaExtension,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info
from strawberry.types.nodes import SelectedField, Selection
from typing_extensions import override

from tidemill.schema import derive
from tidemill.schema.derive import Column
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Fault, Refused
from tidemill.serve.across import Across
from tidemill.serve.asked import read
from tidemill.serve.cursor import cursor_after
from tidemill.serve.events_asked import EventsAsked, page_of
from tidemill.serve.forms import plain_rows
from tidemill.serve.hub import Hub
from tidemill.serve.place import cursor_of, places_of
from tidemill.serve.route import Parts
from tidemill.serve.stream import rows_wish

DEPTH_MAX, TOKENS_MAX, ALIASES_MAX, SPREADS_MAX = 10, 2_000, 10, 10
"""How deep and how long a question may be, how many of its fields may have other names, and how often it may
name a fragment."""
EVENTS_MAX = 10_000
"""So many events may the pages of one question have together: what it costs."""
SUBSCRIPTIONS_MAX = 64
"""Of one socket at a time: there are fewer kinds of events."""
_Int64 = NewType("_Int64", int)
_SCALARS: Any = {
    _Int64: strawberry.scalar(
        name="Int64", description="An integer of up to 64 bits.", serialize=int, parse_value=int
    )
}


class Context(dict[str, Any]):
    """What the question of one request, or all those of one socket, are answered from."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.events_asked = 0
        self.following = 0

    @contextmanager
    def subscribed(self) -> Iterator[None]:
        """Count a subscription while the context is open. Raises: Refused, where the socket has too many."""
        if self.following >= SUBSCRIPTIONS_MAX:
            raise Refused(f"subscription: expected up to {SUBSCRIPTIONS_MAX} on one socket, found one more")
        self.following += 1
        try:
            yield
        finally:
            self.following -= 1


def _kind(column: Column) -> Any:
    arrow = column.logical.arrow
    found: Any = str  # text, decimals, wide integers, hashes and addresses: all exact as text
    if pa.types.is_floating(arrow):
        found = float
    elif pa.types.is_integer(arrow) or pa.types.is_timestamp(arrow):
        found = _Int64
    return found | None if column.is_optional else found


def _made(name: str, fields: Mapping[str, Any], meaning: str) -> Any:
    """Return a GraphQL type whose values are plain mappings."""
    plain = type(name, (), {"__annotations__": dict(fields), "__module__": __name__})
    return strawberry.type(plain, description=meaning)


@cache
def _types(tag: str) -> tuple[Any, Any]:
    """Return what a query and what a subscription of a kind of event answer."""
    name, meaning = EVENTS[tag].__name__, (EVENTS[tag].__doc__ or "").strip()
    event = _made(name, {column.name: _kind(column) for column in derive.columns(tag)}, meaning)
    events: Any = list[event]
    page = _made(f"{name}Page", {"events": events, "next": str | None}, f"A page of `{tag}`.")
    frame = _made(f"{name}Frame", {"events": events, "cursor": str}, f"What came of `{tag}` at once.")
    return page, frame


def _columns(info: Info[Any, Any], tag: str) -> tuple[str, ...]:
    """Return the columns that are asked for; the first where only the cursor is."""
    known = [column.name for column in derive.columns(tag)]
    found = {name for name in _names(info.selected_fields, 3) if name in known}
    return tuple(name for name in known if name in found) or (known[0],)


def _names(selections: list[Selection], depth: int) -> list[str]:
    found: list[str] = []
    for one in selections:
        if isinstance(one, SelectedField):
            found.append(one.name)
        if depth or not isinstance(one, SelectedField):
            found += _names(one.selections, depth - isinstance(one, SelectedField))
    return found


_Texts = Annotated[list[str] | None, strawberry.argument(description="`column>=value`; each one must hold.")]


def _query(tag: str) -> Callable[..., Any]:
    async def ask(
        info: Info[Any, Any],
        limit: int = 100,
        cursor: str | None = None,
        order: str = "newest",
        start: str | None = None,
        end: str | None = None,
        where: _Texts = None,
        finality: str = "canonical",
    ) -> Any:
        context: Context = info.context
        given = {"limit": str(limit), "cursor": cursor, "order": order, "start": start, "end": end}
        asked = [(name, value) for name, value in given.items() if value is not None]
        asked += [("finality", finality), *(("where", one) for one in where or ())]
        found = read(EventsAsked, asked)
        context.events_asked += found.limit
        if context.events_asked > EVENTS_MAX:
            raise Refused(f"limit: expected up to {EVENTS_MAX} in one question, found {context.events_asked}")
        page = page_of(tag, found, _columns(info, tag))
        table = await context.parts[Across].page(tag, page)
        following = None
        if table.num_rows > found.limit:
            table = table.slice(0, found.limit)
            following = cursor_after(tag, table, newest_first=found.order == "newest")
        return {"events": plain_rows(tag, table), "next": following}

    ask.__annotations__["return"] = _types(tag)[0]
    return ask


def _subscription(tag: str) -> Callable[..., Any]:
    async def follow(info: Info[Any, Any], where: _Texts = None, cursor: str | None = None) -> Any:
        context: Context = info.context
        parts, bus = context.parts, context.parts[Across].bus_identity
        place = None if cursor is None else places_of(bus, cursor, [tag])[tag]
        wish = rows_wish(tag, where or (), ",".join(_columns(info, tag)))
        with context.subscribed():
            async with aclosing(parts[Hub].follow(wish, place)) as frames:
                async for frame in frames:
                    told = cursor_of(bus, {tag: frame.place})
                    yield {"events": frame.body or [], "cursor": told}

    follow.__annotations__["return"] = AsyncGenerator[_types(tag)[1], None]
    return follow


class _FragmentsLimiter(SchemaExtension):
    """Refuses a question that names fragments often, or one that there is not, before all other rules.

    These walk through a fragment anew wherever it is named: fragments that name the next one twice take twice
    as long for each more.
    """

    @override
    def on_validate(self) -> Iterator[None]:
        document = self.execution_context.graphql_document
        assert document is not None, "it was read"
        spreads = _Spreads()
        visit(document, spreads)
        known = {one.name.value for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        if len(spreads.names) > SPREADS_MAX or not known.issuperset(spreads.names):
            found = len(spreads.names)
            text = f"expected up to {SPREADS_MAX} spreads of fragments that there are, found {found}"
            self.execution_context.pre_execution_errors = [GraphQLError(text)]
        yield


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.append(node.name.value)


def _is_bug(error: GraphQLError) -> bool:
    return error.original_error is not None and not isinstance(error.original_error, Fault)


@cache
def graphql_schema() -> strawberry.Schema:
    """Return the schema: a query and a subscription for every kind of event, by its name."""
    queries = {tag: strawberry.field(resolver=_query(tag), description=f"Events `{tag}`.") for tag in EVENTS}
    streams = {
        tag: strawberry.subscription(resolver=_subscription(tag), description=f"What comes of `{tag}`.")
        for tag in EVENTS
    }
    config = StrawberryConfig(
        auto_camel_case=False, default_resolver=lambda root, name: root[name], scalar_map=_SCALARS
    )
    return strawberry.Schema(
        query=strawberry.type(type("Query", (), {**queries, "__module__": __name__})),
        subscription=strawberry.type(type("Subscription", (), {**streams, "__module__": __name__})),
        config=config,
        extensions=[
            _FragmentsLimiter,
            lambda: QueryDepthLimiter(max_depth=DEPTH_MAX),
            lambda: MaxTokensLimiter(max_token_count=TOKENS_MAX),
            lambda: MaxAliasesLimiter(max_alias_count=ALIASES_MAX),
            lambda: MaskErrors(should_mask_error=_is_bug, error_message="a bug of ours; the log has it"),
        ],
    )
