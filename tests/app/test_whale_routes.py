"""What the data API answers of the registry, and how its switches are turned over HTTP."""

from pathlib import Path

from tests.serve.program import FakeProgram, program, served

from tidemill.app.settings import read_settings
from tidemill.app.whales.whale_routes import ROUTES, WhaleRegistry
from tidemill.serve.server import Additions
from tidemill.store.registry import open_registry
from tidemill.store.registry.whale import edit_of

WHALE = "0x" + "1f" * 20


async def test_a_whales_switches_are_turned_and_what_is_none_is_refused(tmp_path: Path):
    environment = read_settings(None, tmp_path / "data", {})
    environment.paths.data.mkdir()
    with open_registry(environment.registry_url) as registry:
        registry.put([edit_of({"address": WHALE})])
    additions = Additions(routes=ROUTES, parts=(WhaleRegistry(environment),))
    async with served(FakeProgram(program()), additions=additions) as client:

        async def turn(address: str, **switches: bool) -> int:
            async with client.session.patch(f"{client.url}/whales/{address}", json=switches) as answer:
                return answer.status

        assert await turn(WHALE, is_copying_enabled=True) == 200
        (whale,) = await client.get("/whales")
        assert (whale["address"], whale["is_copying_enabled"], whale["is_enabled"]) == (WHALE, True, True)
        assert await turn(WHALE) == 400
        assert await turn("0x12", is_enabled=False) == 400
        assert await turn("0x" + "00" * 20, is_enabled=False) == 404
        assert await client.get("/whales") == [whale]
