"""A ticket is good at any worker, once, and is made by none but them."""

from tests.servers.databases import redis_server

from tidemill.serve.auth.caller import By, Caller
from tidemill.serve.auth.shared_tickets import SharedTickets
from tidemill.serve.auth.tickets import Tickets
from tidemill.serve.role import Role
from tidemill.store.latest.redis_link import RedisLink
from tidemill.store.latest_config import RedisSettings

ADA = Caller("ada", Role.ANALYST, By.TOKEN, expires_s=2e9, requests_per_minute=7)


async def test_a_ticket_is_good_at_any_worker_once():
    async with redis_server() as server:
        settings = RedisSettings(url=f"redis://127.0.0.1:{server.port}/0", timeout_ms=1_000)
        async with RedisLink(settings) as link:

            def worker(secret=b"theirs", ttl_s=30.0):
                return Tickets(ttl_s, SharedTickets(link, "tidemill", secret))

            one, other = worker(), worker()
            ticket = await one.give(ADA, 0.0)
            assert await other.use(ticket, 1.0) == ADA
            assert await other.use(ticket, 1.0) is None
            assert await one.use(ticket, 1.0) is None
            assert await worker(b"of others").use(await one.give(ADA, 0.0), 1.0) is None
            short = await worker(ttl_s=0.001).give(ADA, 0.0)
            while await link.ask("KEYS", "*"):  # until Redis has forgotten it
                pass
            assert await other.use(short, 0.0) is None

            shared = SharedTickets(link, "tidemill", b"theirs")
            await shared.put("one", ADA, 30.0)
            await link.ask("COPY", shared._name("one"), shared._name("another"))
            assert await shared.take("another") is None, "who can write to Redis makes none"
            assert await shared.take("one") == ADA

            await server.server.stop()
            ticket = await one.give(ADA, 0.0)
            assert await other.use(ticket, 1.0) is None
            assert await one.use(ticket, 1.0) == ADA, "while Redis is away, at the one that gave it"
