"""What a store's rows cover, as it is read from the store."""

import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace
from tests.store.samples import START_NS, swap
from tests.store.told import Row, events, table

from tidemill.schema.events import Proof
from tidemill.schema.faults import Gap, Refused
from tidemill.store import Store, coverage
from tidemill.store.coverage import coverage_of, ledgers_of, require_complete
from tidemill.store.ledger import NEVER_TOLD, Ledger

MakeStore = Callable[..., Store]
POOL = "pool 0x" + "ab" * 20
OPEN_GAP = [(1, 9, "complete", "bloom"), (10, 12, "gap", "none", "all endpoints are down")]
CLOSED_GAP = [*OPEN_GAP, (10, 12, "repaired", "claimed", "read again")]

NEVER = [(1, 1, "complete", "bloom"), (4, 4, "complete", "bloom")]
POOL_GAP = [*CLOSED_GAP, (12, 12, "gap", "none", f"{POOL}: its ticks are not known")]


REQUIRED: list[tuple[list[Row], dict[str, Any], str | None]] = [
    (CLOSED_GAP, {}, None),
    (CLOSED_GAP, {"level": Proof.CLAIMED}, None),
    (
        CLOSED_GAP,
        {"level": Proof.BLOOM},
        "with proof bloom; blocks 10 to 12 are not: their proof is claimed",
    ),
    (CLOSED_GAP, {"level": Proof.BLOOM, "to_block": 9}, None),
    (CLOSED_GAP, {"to_block": 13}, "blocks 13 to 13 are not: nothing was told"),
    (CLOSED_GAP, {"from_block": 13}, "blocks 13 to 13 are not: nothing was told"),
    (OPEN_GAP, {}, "blocks 10 to 12 are not: all endpoints are down"),
    (OPEN_GAP, {"to_block": 9}, None),
    (NEVER, {}, "blocks 2 to 3 are not: nothing was told"),
    (POOL_GAP, {}, "one is open since block 12: pool"),
    (POOL_GAP, {"to_block": 11}, None),
]
"""Records, what of them is required, and what is said where that is not there."""


def told_by(source: str, rows: list[Row]) -> dict[str, pa.Table]:
    """Return the rows of each table, ten minutes from one record to the next."""
    by_table = zip(("coverage", "reorg"), events(rows), strict=True)
    return {
        tag: table(tag, [replace(event, source=source, recv_ns=slowly(event.recv_ns)) for event in made])
        for tag, made in by_table
    }


def slowly(recv_ns: int) -> int:
    return START_NS + (recv_ns - START_NS) * 600_000


async def tell(store: Store, rows: dict[str, list[Row]]) -> None:
    """Store the records of each source."""
    for source, records in rows.items():
        for tag, made in told_by(source, records).items():
            await store.insert(tag, made, source)


def history(dice: random.Random) -> list[Row]:
    rows: list[Row] = []
    for _ in range(dice.randrange(20)):
        first, last = sorted(dice.choices(range(30), k=2))
        proof = dice.choice(["claimed", "bloom"])
        match dice.choice(["blocks", "complete", "repaired", "gap", "reverted"]):
            case "blocks":
                rows += [(number, number, "complete", proof, "x") for number in range(first, last + 1)]
            case "gap" | "reverted" as status:
                rows.append((first, last, status, "none", dice.choice("pq")))
            case status:
                rows.append((first, last, status, proof, dice.choice("xy")))
    return rows


@pytest.mark.parametrize("page_records", [1_000_000, 50])
async def test_the_store_s_fold_is_the_ledger_s(
    make_store: MakeStore, page_records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "_PAGE_RECORDS", page_records)
    dice = random.Random(7)
    rows = {f"chain{number}": history(dice) for number in range(60)}
    async with make_store() as store:
        await store.migrate()
        await tell(store, rows)
        found = await ledgers_of(store)
    assert {source for source, told in rows.items() if told} == found.keys()
    for source, ledger in found.items():
        expected = Ledger()
        told = told_by(source, rows[source])
        expected.add(told["coverage"], told["reorg"])
        assert ledger.complete() == expected.complete(), source
        assert ledger.missing() == expected.missing(), source
        for one, other in zip(ledger.gaps(), expected.gaps(), strict=True):
            assert one[:4] == other[:4], source
            assert (one.closed_ns is None) == (other.closed_ns is None), source
            assert (one.closed_ns or 0) >= (other.closed_ns or 0), (
                source
            )  # at the latest, by a run's last block


async def test_a_source_with_rows_and_no_coverage_is_told_too(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        assert await coverage_of(store) == []
        await store.insert("swap", table("swap", [swap(1, source="imported")]), "a")
        await tell(store, {"eth": CLOSED_GAP})
        eth, imported = await coverage_of(store)
        assert (eth.source, eth.from_block, eth.to_block, eth.is_complete) == ("eth", 1, 12, True)
        assert (imported.source, imported.from_block, imported.is_complete) == ("imported", None, False)
        assert NEVER_TOLD in (imported.fault() or "")
        assert (await coverage_of(store, "imported", 1, 5))[0].missing[0][:2] == (1, 5)
        with pytest.raises(Refused, match="source: expected one of eth, imported, found 'polygon'"):
            await coverage_of(store, "polygon")
        with pytest.raises(Refused, match="found 5 to 1"):
            await coverage_of(store, "eth", 5, 1)


async def test_what_is_required_is_there_or_the_first_lack_is_named(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await tell(store, {f"chain{number}": rows for number, (rows, _, _) in enumerate(REQUIRED)})
        for number, (_, how, fault) in enumerate(REQUIRED):
            found = await coverage_of(store, f"chain{number}", **how)
            if fault is None:
                require_complete(found)
            else:
                with pytest.raises(Gap, match=f"chain{number}: expected .*{fault}"):
                    require_complete(found)


async def test_a_store_without_sources_is_not_complete(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        with pytest.raises(Gap, match="expected at least one source"):
            require_complete(await coverage_of(store))
