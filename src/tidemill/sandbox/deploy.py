"""How an empty chain becomes a world: contracts, balances, approvals, pools with liquidity."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tidemill.sandbox import abi
from tidemill.sandbox.atomic import create_hand
from tidemill.sandbox.contracts import creation_code
from tidemill.sandbox.fill import add_v2, create_v3
from tidemill.sandbox.further import build_further
from tidemill.sandbox.install import ensure_packages
from tidemill.sandbox.layout import POOLS, TICK_SPACINGS, TOKENS, PoolPlan
from tidemill.sandbox.node import Node, NodeOptions, run_node
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.site import Site, approval
from tidemill.sandbox.solidity_code import solidity_codes
from tidemill.sandbox.world import Accounts, Address, Factory, Pool, Token, World

MULTICALL_ADDRESS = "0xca11bde05977b3631167028862be2a173976ca11"
"""Where Multicall3 is on every public chain."""

WRAPPED_ETHER = 50_000_000
MINTED_TOKENS = 10**12
"""Each account's: never a reason to stop, and reserves stay within 112 bits."""

_ARBITRAGEURS = 2


@asynccontextmanager
async def open_world(folder: Path | None = None, options: NodeOptions | None = None) -> AsyncIterator[World]:
    """Install what is missing, start a node, deploy and fill everything; stop the node at the end.

    Raises: Refused or Unreachable where the packages or the node are not to be had.
    """
    modules = await asyncio.to_thread(ensure_packages, folder)
    await asyncio.to_thread(solidity_codes, modules.parent.parent)
    async with run_node(modules, options) as node:
        yield await deploy(node, modules)


async def deploy(node: Node, modules: Path) -> World:
    """Return the world deployed on a fresh node.

    Raises: Refused where a transaction of the set-up fails.
    """
    async with Rpc(node.http_url) as rpc:
        accounts = await _accounts(rpc)
        site = Site(rpc, accounts.deployer)
        deploy_block = int(await rpc.call("eth_blockNumber"), 16) + 1
        code = await rpc.call("eth_call", {"data": creation_code(modules, "Multicall3")}, "latest")
        await rpc.call("anvil_setCode", MULTICALL_ADDRESS, code)
        made = _create_contracts(site, modules)
        tokens = _create_tokens(site, modules)
        await site.mine()
        spenders = [made[name] for name in ("router", "sushi_router", "swap_router", "manager")]
        _fund(site, accounts, tokens, spenders)
        await site.mine()
        factories = _factories(made)
        _create_pools(site, factories, tokens, made["manager"], accounts.provider)
        await site.mine()
        pools = await _find_pools(rpc, factories, tokens)
        for pool in pools:
            if pool.protocol == "uniswap_v2":
                router = _factory(factories, pool.dex, pool.protocol).router
                site.send(pool.address, approval(router), sender=accounts.provider)
        await site.mine()
        further_pools, odd_tokens = await build_further(site, modules, accounts, tokens)
        hand = create_hand(site, modules, tokens)
        await site.mine()
        return World(
            http_url=node.http_url,
            ws_url=node.ws_url,
            chain_id=node.chain_id,
            node_pid=node.pid,
            deploy_block=deploy_block,
            ready_block=int(await rpc.call("eth_blockNumber"), 16),
            weth=tokens[0].address,
            multicall=MULTICALL_ADDRESS,
            position_manager=made["manager"],
            quoter=made["quoter"],
            tick_lens=made["lens"],
            arbitrage_hand=hand,
            factories=factories,
            tokens=tokens,
            pools=pools,
            further_pools=further_pools,
            odd_tokens=odd_tokens,
            accounts=accounts,
        )


async def _accounts(rpc: Rpc) -> Accounts:
    deployer, provider, *others = [address.lower() for address in await rpc.call("eth_accounts")]
    return Accounts(deployer, provider, tuple(others[:_ARBITRAGEURS]), tuple(others[_ARBITRAGEURS:]))


def _create_contracts(site: Site, modules: Path) -> dict[str, Address]:
    def create(name: str, *addresses: Address) -> Address:
        arguments = abi.arguments(["address"] * len(addresses), *addresses)
        return site.create(creation_code(modules, name) + arguments)

    made = {"weth": create("WETH9")}
    for prefix in ("", "sushi_"):
        made[prefix + "factory"] = create("UniswapV2Factory", site.deployer)
        made[prefix + "router"] = create("UniswapV2Router02", made[prefix + "factory"], made["weth"])
    made["factory3"] = factory = create("UniswapV3Factory")
    made["manager"] = create("NonfungiblePositionManager", factory, made["weth"], site.deployer)
    made["swap_router"] = create("SwapRouter", factory, made["weth"])
    made["quoter"] = create("QuoterV2", factory, made["weth"])
    made["lens"] = create("TickLens")
    # The three other fees are enabled by the factory itself.
    site.send(factory, abi.flat_call("enableFeeAmount(uint24,int24)", 100, TICK_SPACINGS[100]))
    return made


def _create_tokens(site: Site, modules: Path) -> tuple[Token, ...]:
    weth = abi.created_address(site.deployer, 0)
    tokens: list[Token] = []
    for plan in TOKENS:
        if plan.symbol == "WETH":
            address = weth
        else:
            given = abi.arguments(["string", "string", "uint8"], plan.name, plan.symbol, plan.decimals)
            address = site.create(creation_code(modules, "ERC20") + given)
        tokens.append(Token(address, plan.symbol, plan.decimals, plan.start_price_usd, plan.volatility_bps))
    return tuple(tokens)


def _fund(site: Site, accounts: Accounts, tokens: Sequence[Token], spenders: Sequence[Address]) -> None:
    everyone = (accounts.deployer, accounts.provider, *accounts.arbitrageurs, *accounts.traders)
    for account in everyone:
        for token in tokens:
            if token.symbol == "WETH":
                site.send(token.address, abi.flat_call("deposit()"), account, WRAPPED_ETHER * 10**18)
            else:
                size = MINTED_TOKENS * 10**token.decimals
                site.send(token.address, abi.flat_call("mint(address,uint256)", account, size), account)
            for spender in spenders:
                site.send(token.address, approval(spender), account)


def _factories(made: dict[str, Address]) -> tuple[Factory, ...]:
    return (
        Factory(made["factory"], "uniswap_v2", "uniswap", 3, 1_000, made["router"]),
        Factory(made["sushi_factory"], "uniswap_v2", "sushiswap", 3, 1_000, made["sushi_router"]),
        Factory(made["factory3"], "uniswap_v3", "uniswap", None, 1_000_000, made["swap_router"]),
    )


def _factory(factories: Sequence[Factory], dex: str, protocol: str) -> Factory:
    return next(factory for factory in factories if (factory.dex, factory.protocol) == (dex, protocol))


def _sorted_pair(plan: PoolPlan, tokens: Sequence[Token]) -> tuple[Token, Token]:
    first, second = (token for token in tokens if token.symbol in (plan.base, plan.quote))
    return (first, second) if int(first.address, 16) < int(second.address, 16) else (second, first)


def _create_pools(
    site: Site, factories: Sequence[Factory], tokens: Sequence[Token], manager: Address, provider: Address
) -> None:
    for plan in POOLS:
        pair = _sorted_pair(plan, tokens)
        if plan.protocol == "uniswap_v2":
            router = _factory(factories, plan.dex, plan.protocol).router
            site.send(router, add_v2(pair, plan.depth_usd, provider))
        else:
            for data in create_v3(pair, plan, site.deployer):
                site.send(manager, data)


async def _find_pools(rpc: Rpc, factories: Sequence[Factory], tokens: Sequence[Token]) -> tuple[Pool, ...]:
    calls: list[Call] = []
    for plan in POOLS:
        pair = [token.address for token in _sorted_pair(plan, tokens)]
        data = (
            abi.flat_call("getPair(address,address)", *pair)
            if plan.protocol == "uniswap_v2"
            else abi.flat_call("getPool(address,address,uint24)", *pair, plan.fee_ppm)
        )
        factory = _factory(factories, plan.dex, plan.protocol).address
        calls.append(Call("eth_call", [{"to": factory, "data": data}, "latest"]))
    answers = await rpc.all(calls)
    pools: list[Pool] = []
    for plan, answer in zip(POOLS, answers, strict=True):
        token0, token1 = (token.address for token in _sorted_pair(plan, tokens))
        spacing = None if plan.protocol == "uniswap_v2" else TICK_SPACINGS[plan.fee_ppm]
        factory = _factory(factories, plan.dex, plan.protocol).address
        address = "0x" + answer[-40:]
        pools.append(Pool(address, plan.protocol, plan.dex, factory, token0, token1, plan.fee_ppm, spacing))
    return tuple(pools)
