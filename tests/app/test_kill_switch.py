"""`tidemill kill` stops all sending, and only a person who says so allows it again."""


def test_it_is_engaged_at_once_and_released_only_by_who_says_yes(cli, tmp_path):
    assert cli("kill", "--show").stdout == "released\n"
    assert cli("kill", "--reason", "the market is mad").returncode == 0
    (file,) = tmp_path.rglob("kill_switch.json")
    shown = cli("kill", "--show")
    assert (shown.returncode, "the market is mad" in shown.stdout) == (1, True)
    refused = cli("kill", "--release", said="no\n")
    assert (refused.returncode, file.exists()) == (1, True)
    assert cli("kill", "--release").returncode == 1  # nobody is there to say yes
    released = cli("kill", "--release", said="yes\n")
    assert (released.returncode, file.exists()) == (0, False)
    assert cli("kill", "--release", "--yes").stdout == "released already\n"
