"""`tidemill coverage`, and what `tidemill sql` says and demands of coverage, over a store made here."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from tests.store.samples import swap
from tests.store.told import Row, events, table

from tidemill.app.control import serving
from tidemill.app.operating.ask import AskOptions
from tidemill.app.operating.ask import main as sql
from tidemill.app.operating.coverage import main as coverage
from tidemill.app.operating.coverage import options_of
from tidemill.app.settings import Environment, read_settings
from tidemill.schema.events import Proof
from tidemill.schema.faults import Gap, Refused
from tidemill.store import open_store
from tidemill.store.coverage import level_of

CLOSED = [
    (1, 9, "complete", "bloom"),
    (10, 12, "gap", "none", "all endpoints are down"),
    (10, 12, "repaired", "claimed", "eth_getLogs over a range"),
]
OPEN = [*CLOSED, (5, 5, "gap", "none", "the answer lacked a log")]
QUERY = "SELECT block_number FROM swap ORDER BY block_number"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return read_settings(None, tmp_path / "data", {})


async def fill(environment: Environment, rows: Iterable[Row]) -> None:
    environment.paths.data.mkdir()
    told, lost = events(rows)
    async with open_store(environment.store_url) as store:
        await store.migrate()
        await store.insert("coverage", table("coverage", told), "a")
        await store.insert("reorg", table("reorg", lost), "a")
        await store.insert("swap", table("swap", [swap(4), swap(8)]), "a")


def asked(form: str = "json", **how) -> AskOptions:
    return AskOptions(form=form, **how)


def ask_coverage(environment: Environment, *asked, gaps_only: bool = False, is_json: bool = False) -> int:
    options = options_of(*(asked or (None, None, None, None)))
    return coverage(environment, options, gaps_only=gaps_only, is_json=is_json)


def test_coverage_tells_ranges_with_their_proof_and_gaps_with_their_end(environment, capsys):
    asyncio.run(fill(environment, OPEN))
    assert ask_coverage(environment) == 0
    assert capsys.readouterr().out.splitlines() == [
        "sandbox: blocks 1 to 12",
        "  complete  1 to 4, 4 blocks: bloom",
        "  complete  6 to 9, 4 blocks: bloom",
        "  complete  10 to 12, 3 blocks: claimed",
        "  missing   5 to 5, 1 block: the answer lacked a log",
        "  gap       10 to 12, 3 blocks, noticed 2023-11-14T22:13:20Z: all endpoints are down;"
        " closed after 1 ms: eth_getLogs over a range",
        "  gap open  5 to 5, 1 block, noticed 2023-11-14T22:13:20Z: the answer lacked a log",
    ]
    assert ask_coverage(environment, gaps_only=True) == 0
    assert [line[:10] for line in capsys.readouterr().out.splitlines()] == [
        "sandbox: b",
        "  gap     ",
        "  gap open",
    ]


def test_coverage_in_json_has_all_that_is_known(environment, capsys):
    asyncio.run(fill(environment, CLOSED))
    assert ask_coverage(environment, is_json=True) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["source"], told["from_block"], told["to_block"]) == ("sandbox", 1, 12)
    assert told["is_complete"] is True
    assert told["complete"][0] == {"from_block": 1, "to_block": 9, "proof": "bloom"}
    assert (told["gaps"][0]["blocks"], told["gaps"][0]["lasted_ms"]) == (3, 1)
    assert told["missing"] == []
    assert ask_coverage(environment, is_json=True, gaps_only=True) == 0
    assert json.loads(capsys.readouterr().out)[0].keys() == {"source", "gaps"}


@pytest.mark.parametrize(
    ("question", "code", "said"),
    [
        ((None, 1, 12, None), 0, ""),
        (("sandbox", 1, 12, "claimed"), 0, ""),
        (("sandbox", 1, 9, "bloom"), 0, ""),
        ((None, None, None, "bloom"), 1, "blocks 10 to 12 are not: their proof is claimed"),
        ((None, 0, 12, None), 1, "blocks 0 to 0 are not: nothing was told of these blocks"),
        ((None, 1, 20, None), 1, "blocks 13 to 20 are not"),
    ],
)
def test_a_question_is_answered_by_the_exit_code(environment, capsys, question, code, said):
    asyncio.run(fill(environment, CLOSED))
    assert ask_coverage(environment, *question) == code
    assert said in capsys.readouterr().err


def test_a_store_without_sources_answers_no_question_with_yes(environment, capsys):
    environment.paths.data.mkdir()

    async def make() -> None:
        async with open_store(environment.store_url) as store:
            await store.migrate()

    asyncio.run(make())
    assert ask_coverage(environment) == 0
    assert "nothing was read yet" in capsys.readouterr().out
    assert ask_coverage(environment, None, 1, 2, None) == 1


def test_rows_are_refused_where_a_block_is_missing_that_must_not_be(environment, capsysbinary):
    asyncio.run(fill(environment, OPEN))
    assert sql(environment, QUERY, asked()) == 0
    assert len(capsysbinary.readouterr().out.splitlines()) == 2
    with pytest.raises(
        Gap, match="sandbox: expected all blocks complete; blocks 5 to 5 are not: the answer la"
    ):
        sql(environment, QUERY, asked(level=Proof.NONE))
    with pytest.raises(Gap, match="complete with proof bloom; blocks 10 to 12"):
        sql(environment, QUERY, asked(level=Proof.BLOOM, from_block=6))
    assert capsysbinary.readouterr().out == b""
    assert sql(environment, QUERY, asked(level=Proof.CLAIMED, source="sandbox", from_block=6)) == 0
    with pytest.raises(Refused, match="expected one of sandbox, found 'eth'"):
        sql(environment, QUERY, asked(level=Proof.CLAIMED, source="eth"))


def test_rows_carry_what_they_cover(environment, capsysbinary):
    asyncio.run(fill(environment, CLOSED))
    assert sql(environment, QUERY, asked("arrow")) == 0
    table = pa.ipc.open_stream(capsysbinary.readouterr().out).read_all()
    (carried,) = json.loads(table.schema.metadata[b"tidemill.coverage"])
    assert (carried["source"], carried["to_block"], carried["is_complete"]) == ("sandbox", 12, True)
    assert table.column("block_number").to_pylist() == [1, 2]
    assert sql(environment, QUERY, asked(with_coverage=True)) == 0
    first, *rows = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert first == {"tidemill.coverage": [carried]}
    assert [row["block_number"] for row in rows] == [1, 2]


async def test_a_running_process_is_asked_where_one_owns_the_folder(environment, capsysbinary):
    await fill(environment, OPEN)

    @asynccontextmanager
    async def owner():
        async def status():
            return {}

        async with (
            open_store(environment.store_url) as store,
            serving(environment.paths.data, status, store.query),
        ):
            yield

    async with owner():
        assert await asyncio.to_thread(ask_coverage, environment) == 0
        assert b"gap open  5 to 5" in capsysbinary.readouterr().out
        assert await asyncio.to_thread(sql, environment, QUERY, asked(level=Proof.NONE, from_block=6)) == 0
        with pytest.raises(Gap, match="blocks 5 to 5"):
            await asyncio.to_thread(sql, environment, QUERY, asked(level=Proof.NONE))


@pytest.mark.parametrize(
    ("text", "level"), [("complete", "none"), ("complete:bloom", "bloom"), ("complete:agreed", "agreed")]
)
def test_a_requirement_names_a_level(text, level):
    assert level_of(text, "--require") == Proof(level)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["sql", "SELECT 1", "--require", "all"],
            "--require: expected complete or complete:LEVEL, found 'all'",
        ),
        (["sql", "SELECT 1", "--require", "complete:"], "found 'complete:'"),
        (
            ["sql", "SELECT 1", "--require", "complete:sure"],
            "--require: expected a level of none, claimed, bloom, receipts_root, agreed, found 'sure'",
        ),
        (
            ["sql", "SELECT 1", "--with-coverage"],
            "--with-coverage: expected --format json or arrow, found table",
        ),
        (["sql", "SELECT 1", "--source", "eth"], "--source: expected --require or --with-coverage beside it"),
        (["coverage", "--level", "sure"], "--level: expected a level of none"),
        (["coverage", "--from", "5", "--to", "4"], "--to: expected 5 or more, as --from is, found 4"),
    ],
)
def test_a_bad_demand_ends_with_2_and_says_what_was_expected(cli, arguments, said):
    ended = cli(*arguments, env={"COLUMNS": "200"})
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert said in ended.stderr


def test_a_lack_ends_the_command_with_1_and_one_line(cli, environment):
    asyncio.run(fill(environment, OPEN))
    for arguments in (
        ["sql", QUERY, "--require", "complete"],
        ["coverage", "--from", "1", "--to", "12", "--gaps"],
    ):
        ended = cli(*arguments, "--data", str(environment.paths.data))
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
        assert "sandbox: expected all blocks complete; blocks 5 to 5 are not" in ended.stderr
