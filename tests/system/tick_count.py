"""How many initialised ticks a swap crossed: as it is, and as the contracts' own quoter counts them."""

from tidemill._rust import UniswapV3Pool

_WORD = 256


def count_crossed(before: UniswapV3Pool, after: UniswapV3Pool) -> int:
    """Return how many initialised ticks lie between the two states: their price was passed or arrived at from
    above."""
    assert before.tick is not None
    assert after.tick is not None
    low, high = sorted((before.tick, after.tick))
    return sum(low < tick <= high for tick, _, _ in before.ticks)


def count_as_the_quoter_does(before: UniswapV3Pool, after: UniswapV3Pool) -> int:
    """Return what PoolTicksCounter.countInitializedTicksCrossed says.

    It divides ticks by the spacing towards zero where the pool rounds down, so that below zero it may count
    the tick above the range too. Source: Uniswap/v3-periphery, libraries/PoolTicksCounter.sol.
    """
    assert before.tick is not None
    assert after.tick is not None
    spacing = before.tick_spacing
    initialised = {tick // spacing for tick, _, _ in before.ticks}
    start, end = (_towards_zero(tick, spacing) for tick in (before.tick, after.tick))
    count = sum(min(start, end) <= tick <= max(start, end) for tick in initialised)
    is_down = before.tick > after.tick
    count -= end in initialised and after.tick % spacing == 0 and is_down
    count -= start in initialised and before.tick % spacing == 0 and before.tick < after.tick
    return count


def _towards_zero(tick: int, spacing: int) -> int:
    return tick // spacing if tick >= 0 else -(-tick // spacing)
