"""The registry's commands do what they say, and say what was wrong and where."""

import json

import pytest
from tests.servers.databases import postgresql

ONE = "0x1f2dd6d473f3e824cd2f8a89d9c69fb96f6ad0cf"
OTHER = "0x" + "0" * 39 + "1"


def _listed(cli, **env):
    return {one["address"]: one for one in json.loads(cli("whales", "list", "--json", env=env).stdout)}


def test_a_seeded_whale_is_copied_once_that_is_switched_on(cli):
    assert json.loads(cli("whales", "seed", "--json").stdout) == {"added": 1, "changed": 0, "unchanged": 0}
    assert not _listed(cli)[ONE]["is_copying_enabled"]
    assert cli("whales", "enable", ONE, "--copying").returncode == 0
    assert cli("whales", "seed").stdout == "added 0, changed 0, unchanged 1\n"
    assert _listed(cli)[ONE]["is_copying_enabled"]
    assert cli("whales", "disable", ONE).returncode == 0
    assert cli("whales", "list", "--enabled", "--json").stdout == "[]\n"


async def test_the_same_commands_work_on_postgresql_after_its_upgrade(cli):
    async with postgresql() as server:
        env = {"DATABASE_URL": server.make_database("registry")}
        refused = cli("whales", "seed", env=env)
        assert refused.returncode == 1
        assert "run `tidemill db upgrade`" in refused.stderr
        assert cli("db", "upgrade", env=env).returncode == 0
        assert cli("whales", "add", ONE, "--tier", "MEGA", "--win-rate", "65.0", env=env).returncode == 0
        assert _listed(cli, **env)[ONE]["win_rate"] == "65.0"
        wrong = cli("whales", "list", env={"DATABASE_URL": server.url("registry", "open-sesame")})
        assert wrong.returncode == 1
        assert "password authentication failed" in wrong.stderr
        assert "open-sesame" not in wrong.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.csv", f'\ufeffaddress,tier,notes,total_volume\n{ONE},MEGA,"two\nlines",0.10\n\n{OTHER},,,7\n'),
        (
            "w.json",
            f'[\n{{"address": "{ONE}", "tier": "MEGA", "notes": "two\\nlines", "total_volume": 0.10}},\n'
            f'{{"address": "{OTHER}", "total_volume": 7}}]\n',
        ),
        (
            "w.jsonl",
            f'{{"address": "{ONE}", "tier": "MEGA", "notes": "two\\nlines", "total_volume": "0.10"}}\n'
            f'{{"address": "{OTHER}", "total_volume": 7}}\n',
        ),
    ],
)
def test_a_file_of_whales_is_imported_and_again_changes_nothing(cli, tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert cli("whales", "import", name).stdout == "added 2, changed 0, unchanged 0\n"
    assert cli("whales", "import", name).stdout == "added 0, changed 0, unchanged 2\n"
    found = _listed(cli)
    told = (found[ONE]["tier"], found[ONE]["notes"], found[ONE]["total_volume"])
    assert told == ("MEGA", "two\nlines", "0.10")
    assert (found[OTHER]["tier"], found[OTHER]["total_volume"]) == (None, "7")
