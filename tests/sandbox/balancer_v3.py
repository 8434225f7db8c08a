"""Balancer's V3 vault on a local chain, with two pools: compiled from its packages' sources."""

import fcntl
import hashlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import vyper
from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.install import default_folder
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import Token, World

FOLDER = Path(__file__).parent / "balancer_v3_contracts"
_SOURCES = {
    name: f"@balancer-labs/{package}/contracts/{name}.sol:{name}"
    for package, names in {
        "v3-vault": ("VaultAdmin", "VaultExtension", "ProtocolFeeController", "Vault"),
        "v3-pool-weighted": ("WeightedPool",),
        "v3-pool-stable": ("StablePool",),
    }.items()
    for name in names
}
_NPM_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")
_WEIGHTED = "(string,string,uint256,uint256[],string,uint256[])"
_STABLE = "(string,string,uint256,string)"
_REGISTER = (
    "registerPool(address,(address,uint8,address,bool)[],uint256,uint32,bool,(address,address,address),"
    "address,(bool,bool,bool,bool))"
)
_NOBODY = "0x" + 40 * "0"
_PAUSE_S, _BUFFER_S = 365 * 24 * 3_600, 90 * 24 * 3_600
_TRADE_MIN = 10**6
"""Of an amount with 18 decimals; as on Ethereum."""
_TOKEN_BALANCE_MIN = 10**6
_WEIGHTS_PERCENT = {"WBTC": 30, "LINK": 20, "USDC": 50}
_AMPLIFICATION = 200
_GAS = hex(16_000_000)
_ONE = 10**18
_FEE, _STABLE_FEE = 3 * 10**15, 10**14


class Venue(Struct, frozen=True):
    """Where the vault's pools are, and what swaps in them."""

    vault: str
    hand: str
    weighted: str
    stable: str


def creation_codes() -> dict[str, str]:
    """Return the contracts' creation code as hex; the first call installs and compiles: about a minute."""
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json", "compile.js"):
        digest.update((FOLDER / name).read_bytes())
    kept = default_folder() / f"balancer_v3-{digest.hexdigest()[:16]}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            partial = kept.with_suffix(".partial")
            partial.write_bytes(_compiled())
            partial.rename(kept)
    return msgspec.json.decode(kept.read_bytes(), type=dict[str, str])


def _compiled() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            (Path(folder) / name).write_bytes((FOLDER / name).read_bytes())
        subprocess.run(["npm", "ci", *_NPM_FLAGS], cwd=folder, check=True, capture_output=True, timeout=300)
        command = ["node", str(FOLDER / "compile.js"), folder, *_SOURCES.values()]
        return subprocess.run(command, check=True, capture_output=True, timeout=600).stdout


async def deploy(world: World, rpc: Rpc) -> Venue:
    """Create the vault, a weighted and a stable pool, and fill them."""
    site = LateSite(rpc, world.accounts.deployer, creation_codes())
    await site.begin()
    vault = _vault(site, world.accounts.deployer)
    hand_code = vyper.compile_code((FOLDER / "Hand.vy").read_text(), output_formats=["bytecode"])["bytecode"]
    hand = site.create_code(hand_code, ["address"], vault)
    tokens = {token.symbol: token for token in world.tokens}
    mixed = _sorted([tokens[symbol] for symbol in _WEIGHTS_PERCENT])
    stable = _sorted([tokens[symbol] for symbol in ("DAI", "USDC", "USDT")])
    shares = [_WEIGHTS_PERCENT[token.symbol] * _ONE // 100 for token in mixed]
    terms = ("", "", len(mixed), shares, "", [_TOKEN_BALANCE_MIN] * len(mixed))
    weighted_pool = site.create("WeightedPool", [_WEIGHTED, "address"], terms, vault)
    stable_pool = site.create("StablePool", [_STABLE, "address"], ("", "", _AMPLIFICATION, ""), vault)
    venue = Venue(vault, hand, weighted_pool, stable_pool)
    _fill(site, venue, weighted_pool, {token: _WEIGHTS_PERCENT[token.symbol] for token in mixed})
    _fill(site, venue, stable_pool, dict.fromkeys(stable, 33))
    await site.mine()
    return venue


def _vault(site: "LateSite", authorizer: str) -> str:
    """Create the vault and its parts, each of which knows where the vault will be."""
    vault = site.following(3)
    windows = (_PAUSE_S, _BUFFER_S, _TRADE_MIN, _TRADE_MIN)
    admin = site.create("VaultAdmin", ["address", "uint32", "uint32", "uint256", "uint256"], vault, *windows)
    extension = site.create("VaultExtension", ["address", "address"], vault, admin)
    shares = (_ONE // 2, _ONE // 10)
    fees = site.create("ProtocolFeeController", ["address", "uint256", "uint256"], vault, *shares)
    assert site.create("Vault", ["address"] * 3, extension, authorizer, fees) == vault
    return vault


def _fill(site: "LateSite", venue: Venue, pool: str, shares_percent: Mapping[Token, int]) -> None:
    """Register a pool of tokens, in their order, and fill it with their shares of a million dollars."""
    configs = [(token.address, 0, _NOBODY, False) for token in shares_percent]
    fee = _FEE if pool == venue.weighted else _STABLE_FEE
    nobody, flags = (_NOBODY,) * 3, (False,) * 4
    site.send(venue.vault, abi.call(_REGISTER, pool, configs, fee, 0, False, nobody, _NOBODY, flags))
    sizes = [_sized(token, share) for token, share in shares_percent.items()]
    for token, size in zip(shares_percent, sizes, strict=True):
        site.send(token.address, abi.flat_call("mint(address,uint256)", venue.hand, 10 * size))
    names = [token.address for token in shares_percent]
    site.send(venue.hand, abi.call("fill(address,address[],uint256[])", pool, names, sizes))


def swap_call(pool: str, tokens: Sequence[str], coins: tuple[int, int], amount: int) -> str:
    """Return the hand's swap of an amount in between two of a pool's tokens, by their places."""
    token_in, token_out = (tokens[coin] for coin in coins)
    return abi.flat_call("swap(uint8,address,address,address,uint256)", 0, pool, token_in, token_out, amount)


def _sorted(tokens: Sequence[Token]) -> list[Token]:
    return sorted(tokens, key=lambda token: int(token.address, 16))


def _sized(token: Token, share_percent: int) -> int:
    """Return what is worth a share of a million dollars."""
    return int(10_000 * share_percent / token.start_price_usd * 10**token.decimals)


class LateSite:
    """The deployer's transactions on a chain that is no longer fresh, each mined alone, in order."""

    def __init__(self, rpc: Rpc, deployer: str, codes: dict[str, str]) -> None:
        self._rpc = rpc
        self._deployer = deployer
        self._codes = codes
        self._nonce = 0
        self._waiting: list[dict[str, str]] = []

    async def begin(self) -> None:
        self._nonce = int(await self._rpc.call("eth_getTransactionCount", self._deployer, "latest"), 16)

    def following(self, ahead: int) -> str:
        return abi.created_address(self._deployer, self._nonce + ahead)

    def create(self, name: str, types: list[str], *values: object) -> str:
        return self.create_code("0x" + self._codes[name], types, *values)

    def create_code(self, code: str, types: list[str], *values: object) -> str:
        address = self.following(0)
        self._add({"data": code + abi.arguments(types, *values)})
        return address

    def send(self, to: str, data: str) -> None:
        self._add({"to": to, "data": data})

    async def mine(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transaction in waiting:
            digest = await self._rpc.call("eth_sendTransaction", transaction)
            await self._rpc.call("evm_mine")
            receipt = await self._rpc.call("eth_getTransactionReceipt", digest)
            assert receipt["status"] == "0x1", (transaction.get("to"), transaction["data"][:10])

    def _add(self, fields: dict[str, str]) -> None:
        sent = {"from": self._deployer, "nonce": hex(self._nonce), "gas": _GAS, **FEES, **fields}
        self._nonce += 1
        self._waiting.append(sent)


async def asked(rpc: Rpc, hand: str, questions: Sequence[str]) -> list[int | None]:
    """Return what swaps would give as the chain stands; None where the vault refuses."""
    answers = await rpc.each([Call("eth_call", [{"to": hand, "data": data}, "latest"]) for data in questions])
    return [int(answer, 16) if isinstance(answer, str) else None for answer in answers]
