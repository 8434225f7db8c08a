from tidemill.app.generate import files, main, settings_page
from tidemill.schema.generate import ROOT


def test_every_generated_file_is_what_the_code_says():
    stale = [
        str(path.relative_to(ROOT)) for path, text in files() if not path.exists() or path.read_text() != text
    ]
    assert stale == [], "run `make generate`"


def test_the_check_passes_and_writes_nothing(capsys):
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_every_setting_is_explained():
    page = settings_page()
    for line in page.splitlines():
        if line.startswith("| `"):
            assert len(line.split(" | ")) >= 5, line
    assert "`LOG_LEVEL`" in page
    assert "`TIDEMILL_CHAINS_<NAME>_WS_URL`" in page
    assert "`TIDEMILL_STORE_WRITER_ROWS_MAX`" in page
    assert "`source`" not in page, "a key does not repeat its section"
