"""`tidemill keys` makes keys that are printed once, lists them and ends them."""

import json
import sqlite3


def listed(cli):
    return json.loads(cli("keys", "list", "--json").stdout)


def test_a_key_is_printed_once_and_its_hash_alone_is_kept(cli, tmp_path):
    made = cli("keys", "create", "desk", "--role", "trader", "--days", "30", "--requests-per-minute", "7")
    secret = made.stdout.strip()
    (key,) = listed(cli)
    assert secret.startswith(f"tidemill_{key['id']}_")
    assert (key["name"], key["role"], key["requests_per_minute"]) == ("desk", "trader", 7)
    assert key["expires_at"] is not None
    assert "secret_hash" not in key
    (file,) = tmp_path.rglob("registry.db")
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT * FROM api_keys").fetchall()
    connection.close()
    assert secret.rpartition("_")[2] not in repr(rows)


def test_a_key_ends_once_and_what_is_no_key_is_said(cli):
    key_id = json.loads(cli("keys", "create", "desk", "--json").stdout)["id"]
    assert json.loads(cli("keys", "revoke", key_id, "--json").stdout) == {"revoked": [key_id]}
    assert "ended" in cli("keys", "list").stdout
    wrong = cli("keys", "revoke", "nobody")
    assert wrong.returncode == 1
    assert "expected the id of a key, found 'nobody'" in wrong.stderr
    assert cli("keys", "create", "desk", "--role", "root").returncode == 2
