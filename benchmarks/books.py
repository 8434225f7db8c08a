"""Frames of order-book venues to events and books, from Python, beside nautilus_trader and cryptofeed.

All figures are of one core's processor time: what else the machine does is left out, on both sides. The
frames are in memory; sockets, bus and store are left out.
"""

import json
import re
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

from benchmarks.peer import ask_peer
from benchmarks.row import Row
from tidemill._rust import read_kraken, read_polymarket
from tidemill.core.book_rule import BookRule
from tidemill.process.books import OrderBooks
from tidemill.venues.kraken import VENUE as KRAKEN

DELTAS_PER_S = 250_000
RATIO = 2.0
_SHARED = Path(__file__).resolve().parents[2] / "shared/data/l2_load/cryptofeed_ws_samples.tar.zst"
_SESSION = "KRAKEN.ws.50.0"
_FRAMES = 20_000
_FRAMES_A_CALL = 200
_ROUNDS = 7
_RECV_NS = 1_790_000_000_000_000_000
_MARKET = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"
_TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"


def run() -> list[Row]:
    """Measure Polymarket's changes, and Kraken's recorded session where it is there."""
    rows = _polymarket()
    return rows + (_kraken() if _SHARED.exists() else [])


def _polymarket() -> list[Row]:
    frames = [_change(number) for number in range(_FRAMES)]
    heard = [(_RECV_NS, frame) for frame in frames]
    chunks = [heard[at : at + _FRAMES_A_CALL] for at in range(0, len(heard), _FRAMES_A_CALL)]

    def read() -> int:
        rows = 0
        for chunk in chunks:
            told = read_polymarket(
                chunk, source="polymarket", connection="one", first_sequence=rows, is_hash_checked=False
            )
            rows += told.batches["book_change"].num_rows
        return rows

    def kept() -> int:
        books = OrderBooks("polymarket", BookRule(ordering="time"))
        books.follow([_TOKEN])
        books.take(_read_one(_book()))
        rows = 0
        for chunk in chunks:
            told = read_polymarket(
                chunk, source="polymarket", connection="one", first_sequence=1, is_hash_checked=False
            )
            assert not books.take(told.batches).gaps
            rows += told.batches["book_change"].num_rows
        return rows

    deltas, read_per_s = _best(read)
    _, kept_per_s = _best(kept)
    question = {"frames": [frame.decode() for frame in frames], "market": _MARKET, "token": _TOKEN}
    peer = ask_peer("books", "nautilus_polymarket.py", question | {"rounds": 3})
    if peer["deltas"] != deltas:
        raise RuntimeError(f"nautilus_trader made {peer['deltas']} deltas of the frames, we {deltas}")
    note = f"{_FRAMES_A_CALL} frames a call, two deltas a frame; one core's processor time"
    beside = f"nautilus_trader {peer['version']} {peer['per_s']:,.0f}/s from Python, equal count"
    return [
        Row("Polymarket frames to events", read_per_s, "deltas/s", DELTAS_PER_S, note=note),
        Row("Polymarket frames to events and kept books", kept_per_s, "deltas/s", DELTAS_PER_S, note=note),
        Row("Polymarket frames, times nautilus_trader", read_per_s / peer["per_s"], "×", note=beside),
    ]


def _kraken() -> list[Row]:
    frames = _session()
    heard = [(_RECV_NS, frame) for frame in frames]
    chunks = [heard[at : at + _FRAMES_A_CALL] for at in range(0, len(heard), _FRAMES_A_CALL)]
    pairs = sorted({json.loads(frame)[-1] for frame in frames if frame.startswith(b"[")})

    def kept() -> int:
        assert KRAKEN.book_rule is not None
        books = OrderBooks("kraken", KRAKEN.book_rule)
        books.follow(pairs)
        sequence = 0
        for chunk in chunks:
            told = read_kraken(chunk, source="kraken", connection="one", first_sequence=sequence)
            sequence = told.next_sequence
            assert not books.take(told.batches).gaps
        assert books.live_count == len(pairs)
        return len(heard)

    _, per_s = _best(kept)
    question = {"frames": [frame.decode() for frame in frames], "pairs": pairs, "rounds": _ROUNDS}
    peer = ask_peer("books", "cryptofeed_kraken.py", question)
    beside = f"ours {per_s:,.0f} messages/s with every checksum; cryptofeed {peer['version']}"
    return [
        Row(
            "Kraken's session, times cryptofeed without checksums",
            per_s / peer["per_s"],
            "×",
            RATIO,
            note=f"{beside} {peer['per_s']:,.0f}/s",
        ),
        Row(
            "Kraken's session, times cryptofeed with checksums",
            per_s / peer["per_s_checked"],
            "×",
            RATIO,
            note=f"{beside} {peer['per_s_checked']:,.0f}/s",
        ),
    ]


def _best(work: Callable[[], int]) -> tuple[int, float]:
    """Return what one round does, and how much of it the best round does in a second of processor time."""
    done, best = 0, 0.0
    for _ in range(_ROUNDS):
        started = time.process_time()
        done = work()
        best = max(best, done / (time.process_time() - started))
    return done, best


def _change(number: int) -> bytes:
    bid, ask = 30 + number % 15, 55 + number % 17
    entries = ",".join(
        f'{{"asset_id":"{_TOKEN}","price":"0.{price}","size":"{number % 977}.{price}","side":"{side}",'
        f'"hash":"{number:040x}","best_bid":"0.44","best_ask":"0.55"}}'
        for price, side in ((bid, "BUY"), (ask, "SELL"))
    )
    head = f'{{"market":"{_MARKET}","price_changes":[{entries}],'
    return (head + f'"timestamp":"{1_760_000_000_000 + number}","event_type":"price_change"}}').encode()


def _book() -> bytes:
    return (
        f'[{{"event_type":"book","market":"{_MARKET}","asset_id":"{_TOKEN}","timestamp":"1760000000000",'
        '"bids":[{"price":"0.44","size":"1"}],"asks":[{"price":"0.55","size":"1"}]}]'
    ).encode()


def _read_one(frame: bytes) -> dict[str, object]:
    heard = [(_RECV_NS, frame)]
    return read_polymarket(
        heard, source="polymarket", connection="one", first_sequence=0, is_hash_checked=False
    ).batches


def _session() -> list[bytes]:
    """Return the messages that came in the recorded session."""
    with _SHARED.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if Path(member.name).name == _SESSION else None
                if content is not None:
                    lines = content.read().splitlines()
                    found = (re.match(rb"^[0-9.]+: (.*)$", line) for line in lines)
                    return [message[1] for message in found if message]
    raise RuntimeError(f"{_SHARED}: expected {_SESSION}")
