"""What does Polymarket say of its markets: in its directory (Gamma), and when one is new or settled."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tidemill.schema.events import Market, MarketChange, MarketStatus
from tidemill.schema.faults import Malformed
from tidemill.venues.base import Origin
from tidemill.venues.polymarket_values import (
    ABSENT,
    decode,
    is_absent,
    optional_number,
    optional_time_ns,
    pairs,
    present,
    price,
    time_ns,
    token,
)


class _Notice(Struct):
    """A message of the market channel that is of no book and no trade."""

    event_type: str
    timestamp: Raw
    market: str
    asset_id: str | None = None
    old_tick_size: Raw = ABSENT
    new_tick_size: Raw = ABSENT
    assets_ids: list[str] = []
    outcomes: list[str] | None = None
    winning_asset_id: str | None = None
    winning_outcome: str | None = None
    slug: str | None = None
    question: str | None = None
    order_price_min_tick_size: Raw = ABSENT


class _Listed(Struct, rename="camel"):
    """A market as Gamma lists it: lists come as JSON in a text, and as such from some that hand them on."""

    condition_id: str
    clob_token_ids: str | list[str] | None = None
    outcomes: str | list[str] | None = None
    slug: str | None = None
    question: str | None = None
    order_price_min_tick_size: Raw = ABSENT
    order_min_size: Raw = ABSENT
    neg_risk: bool | None = None
    active: bool | None = None
    closed: bool | None = None
    enable_order_book: bool | None = None
    end_date: Raw = ABSENT


def map_notice(json: bytes | Raw, origin: Origin, recv_ns: int, sequence: int) -> Iterator[MarketStatus]:
    """Yield what happened to a market, a row for each token that it concerns; nothing for other kinds.

    Raises: Malformed.
    """
    raw = decode(_Notice, json)
    told: dict[str, Any] = {
        "event_ns": time_ns(raw.timestamp, "timestamp"),
        "recv_ns": recv_ns,
        "source": origin.source,
        "connection": origin.connection,
        "sequence": sequence,
        "market": present(raw.market, "market"),
        "slug": raw.slug,
        "question": raw.question,
    }
    match raw.event_type:
        case "tick_size_change":
            yield MarketStatus(
                **told,
                row=0,
                change=MarketChange.TICK_SIZE,
                instrument=token(raw.asset_id, "asset_id"),
                tick_size=price(raw.new_tick_size, "new_tick_size"),
                tick_size_before=optional_number(raw.old_tick_size, "old_tick_size"),
            )
        case "new_market":
            tick_size = optional_number(raw.order_price_min_tick_size, "order_price_min_tick_size")
            for row, instrument, outcome in list(pairs(raw.assets_ids, raw.outcomes or ())):
                yield MarketStatus(
                    **told,
                    row=row,
                    change=MarketChange.LISTED,
                    instrument=instrument,
                    outcome=outcome,
                    tick_size=tick_size,
                )
        case "market_resolved":
            winner = token(raw.winning_asset_id, "winning_asset_id")
            for row, instrument, outcome in list(pairs(raw.assets_ids, raw.outcomes or ())):
                is_winning = instrument == winner
                yield MarketStatus(
                    **told,
                    row=row,
                    change=MarketChange.RESOLVED,
                    instrument=instrument,
                    outcome=raw.winning_outcome if is_winning else outcome,
                    is_winning=int(is_winning),
                )
        case _:
            return  # kinds that are added later are no fault


def map_listed(json: bytes | Raw, origin: Origin, recv_ns: int, sequence: int) -> Iterator[Market]:
    """Yield a market as the directory has it, a row for each of its tokens. Raises: Malformed."""
    raw = decode(_Listed, json)
    tokens = _texts(raw.clob_token_ids, "clobTokenIds")
    outcomes = _texts(raw.outcomes, "outcomes")
    for index, instrument, outcome in list(pairs(tokens, outcomes)):
        yield Market(
            event_ns=recv_ns,
            recv_ns=recv_ns,
            source=origin.source,
            connection=origin.connection,
            sequence=sequence,
            row=index,
            market=present(raw.condition_id, "conditionId"),
            instrument=instrument,
            slug=raw.slug,
            question=raw.question,
            outcome=outcome,
            outcome_index=index,
            tick_size=optional_number(raw.order_price_min_tick_size, "orderPriceMinTickSize"),
            order_size_min=optional_number(raw.order_min_size, "orderMinSize"),
            is_neg_risk=_flag(raw.neg_risk),
            is_active=_flag(raw.active),
            is_closed=_flag(raw.closed),
            has_book=_flag(raw.enable_order_book),
            end_ns=optional_time_ns(raw.end_date, "endDate"),
        )


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _texts(json: str | list[str] | None, what: str) -> list[str]:
    if isinstance(json, list):
        return json
    if json is None or is_absent(Raw(json.encode())):
        return []
    try:
        return msgspec.json.decode(json, type=list[str])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(f"{what}: expected a list of texts as JSON in a text: {error}") from error
