"""`tidemill inspect`: say what the transactions of a block were, from a node or from files."""

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tidemill._rust import inspect_block
from tidemill.app.inspecting.inspecting_lines import lines
from tidemill.app.inspecting.inspecting_solana import is_solana, solana_report_of
from tidemill.app.inspecting.inspecting_solana_live import is_signature, solana_live
from tidemill.app.settings import Environment
from tidemill.chains.evm.block_parts import block_of_tx, block_parts
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.markets import Markets, markets_of
from tidemill.chains.solana.config import SolanaConfig
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.process.opportunities import SearchConfig
from tidemill.schema.faults import Malformed, Refused, Unknown

Report = dict[str, Any]
"""What `inspect_block` says of a block; docs/guide/inspect.md has its fields."""

_TX = re.compile("0x[0-9a-fA-F]{64}")
_NUMBER = re.compile("[0-9]+|0x[0-9a-fA-F]{1,16}|latest")
_DOCUMENT_BYTES_MAX = 1 << 30


def main(
    environment: Environment, targets: Sequence[str], chain: str | None, chain_id: int, *, is_json: bool
) -> int:
    """Print what the targets were: blocks, transactions, files. A file that cannot be read stops no other.

    Raises: Refused, Unknown, Unreachable, Malformed, for a block or a transaction.
    """
    code = 0
    for target in targets:
        try:
            report = _report(environment, target, chain, chain_id)
        except Malformed as fault:
            if len(targets) == 1:
                raise
            report, code = {"target": target, "fault": str(fault)}, 1
        print(json.dumps(report) if is_json else "\n".join(lines(report)))
    return code


def report_of(document: bytes, known: Markets) -> Report:
    """Return what the transactions of the block in `document` were. Raises: Malformed."""
    told = inspect_block(
        document, wrapped=known.wrapped, stables=list(known.stables), routers=list(known.routers)
    )
    return json.loads(told)


def markets_with(config: EvmConfig, search: SearchConfig | None) -> Markets:
    """Return what is known of a chain's markets; what its search says of gas and dollars counts more."""
    known = markets_of(config.chain_id)
    if search is None:
        return known
    stables = tuple((_address(one.address), one.decimals) for one in search.stable_tokens)
    wrapped = known.wrapped if search.gas_token is None else _address(search.gas_token)
    return replace(known, wrapped=wrapped, stables=stables or known.stables)


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def explain_tx(
    environment: Environment, tx: str, chain: str | None, file: tuple[Path, int] | None, *, is_json: bool
) -> int:
    """Print all that is known of one transaction, from a node, or from a file of the chain with that number.

    Raises: as `main`; Unknown, where the file has it not.
    """
    if file is None:
        report = _report(environment, tx, chain, 0)
    else:
        path, chain_id = file
        report = _only(_report(environment, str(path), None, chain_id), tx)
    print(json.dumps(report) if is_json else "\n".join(lines(report)))
    return 0


def _report(environment: Environment, target: str, chain: str | None, chain_id: int) -> Report:
    path = Path(target)
    if path.is_file():
        document = _document(path)
        told = (
            solana_report_of(document) if is_solana(document) else report_of(document, markets_of(chain_id))
        )
        return {"target": target} | told
    if (cluster := _cluster(environment, target, chain)) is not None:
        return asyncio.run(solana_live(cluster, target, SystemClock()))
    if _TX.fullmatch(target) or _NUMBER.fullmatch(target):
        config = _chain(environment, chain)
        search = environment.settings.search.get(config.source)
        return asyncio.run(_live(config, markets_with(config, search), target))
    raise Refused(f"inspect: expected a block's number, a transaction's hash or a file, found {target!r}")


def _cluster(environment: Environment, target: str, name: str | None) -> SolanaConfig | None:
    """Return the Solana cluster that is meant: by its name, or the only one where it is a signature."""
    clusters = environment.settings.solana
    if name is None and is_signature(target) and len(clusters) == 1:
        return next(iter(clusters.values()))
    return None if name is None else clusters.get(name)


def _document(path: Path) -> bytes:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            document = file.read(_DOCUMENT_BYTES_MAX + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise Malformed(f"{path}: expected a file with a block: {error}") from error
    if len(document) > _DOCUMENT_BYTES_MAX:
        raise Malformed(f"{path}: expected at most {_DOCUMENT_BYTES_MAX} bytes of JSON, found more")
    return bytes(document)


def _chain(environment: Environment, name: str | None) -> EvmConfig:
    chains = environment.settings.chains
    if name is None and len(chains) == 1:
        return next(iter(chains.values()))
    if name is None or name not in chains:
        listed = ", ".join(sorted(chains)) or "none"
        raise Refused(
            f"inspect: expected --chain with one of the configured chains ({listed}), found {name!r}"
        )
    return chains[name]


async def _live(chain: EvmConfig, known: Markets, target: str) -> Report:
    if chain.http_url is None:
        raise Refused(f"inspect: expected an http_url of chain {chain.chain_id} to ask, found none")
    async with HttpEndpoint(chain.http_url, SystemClock()) as http:
        if _TX.fullmatch(target):
            parts = await block_parts(http, await block_of_tx(http, target))
        else:
            parts = await block_parts(http, target if target == "latest" else int(target, 0))
    report = report_of(parts.document, known)
    if _TX.fullmatch(target):
        report = _only(report, target.lower())
    return {"target": target, "has_traces": parts.has_traces} | report


def _only(report: Report, tx_hash: str) -> Report:
    """Keep what is said of one transaction, by its hash or its signature."""
    mine = [tx for tx in report["transactions"] if tx_hash in (tx.get("tx_hash"), tx.get("signature"))]
    if not mine:
        where = f"block {report['block_number']}" if "block_number" in report else report["target"]
        raise Unknown(f"inspect: expected {tx_hash} in {where}, found it not")
    if "signature" in mine[0]:
        return report | {"transactions": mine}
    sandwiches = [
        one
        for one in report["sandwiches"]
        if tx_hash in (one["front_tx"], one["back_tx"], *one["victim_txs"])
    ]
    jits = [
        one
        for one in report["just_in_time"]
        if tx_hash in (one["added_tx"], one["removed_tx"], *one["swap_txs"])
    ]
    return report | {"transactions": mine, "sandwiches": sandwiches, "just_in_time": jits}
