# The two commands of the README: `make demo` and `make test`. Each does all the set-up it needs.
# FOR=seconds (demo, 0: until Ctrl-C) · SERVICES=none (test: leave out what needs a server)

FOR ?= 60
SERVICES ?= all
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -not -path '*/target/*' -o -name Cargo.toml -not -path '*/target/*')
SANDBOX_FILES := src/tidemill/sandbox/npm/package.json src/tidemill/sandbox/npm/package-lock.json \
	$(wildcard src/tidemill/sandbox/vyper/*.vy)
PAGE_FILES := $(wildcard web/*.json web/*.ts web/index.html) $(shell find web/src -type f)

export SERVICES
.DELETE_ON_ERROR:
.PHONY: demo fetched test check checked-rust checked-python bench release-check budget site screenshot soak fuzz services generate lock clean setup

demo: setup .make/sandbox .make/page
	$(BIN)/tidemill demo --seconds $(FOR)

test: # what is fetched waits for the network while what is compiled computes
	@mkdir -p .make
ifneq ($(SERVICES),none)
	$(MAKE) fetched >.make/fetched.log 2>&1 & fetching=$$!; $(MAKE) .make/dev; made=$$?; \
		wait $$fetching || { cat .make/fetched.log; exit 1; }; exit $$made
endif
	$(MAKE) .make/dev services check
ifneq ($(SERVICES),none)
	cd web && npm test --silent
endif
	nice -n 19 cargo test --workspace --quiet >.make/cargo_test.log 2>&1 & testing=$$!; passed=0; \
		$(BIN)/python -m pytest -q -n 2 --dist loadfile --durations 20 || passed=$$?; \
		wait $$testing || { passed=$$?; cat .make/cargo_test.log; }; \
		exit $$passed # beside each other: most of Python's wait for servers

check: .make/dev # clippy leaves a core idle now and then, most others take one
	$(MAKE) --jobs 2 --output-sync=target checked-rust checked-python
ifneq ($(SERVICES),none)
	$(MAKE) budget
endif

checked-rust:
	cargo fmt --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	@bash -c '! grep -rn --include=Cargo.toml pyo3 crates --exclude-dir=tidemill-python' # only one crate may know Python

checked-python:
	$(BIN)/ruff format --check --quiet src tests benchmarks
	$(BIN)/ruff check --quiet src tests benchmarks
	$(BIN)/basedpyright --level error src
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m tidemill.app.generate --check

bench: .make/dev .make/sandbox
	$(BIN)/python -m benchmarks

release-check: .make/dev .make/page # the wheel, in an environment of its own, and what it is made of: into target/wheels
	rm -rf target/wheels target/release-check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --release --interpreter $(CURDIR)/$(BIN)/python --out target/wheels
	$(PYTHON) -m venv target/release-check
	target/release-check/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	target/release-check/bin/pip install --quiet --disable-pip-version-check --no-deps target/wheels/tidemill-*.whl
	cd target/release-check && bin/tidemill --version && bin/tidemill config >config && bin/tidemill db upgrade \
		&& bin/python -c "import chdb, lmdb, tidemill._rust" && bin/pip check
	$(BIN)/python deploy/sbom.py >target/wheels/sbom.json

budget: .make/dev
	@command -v valgrind >/dev/null || apt-get install -y -qq valgrind
	$(BIN)/python -m benchmarks.budget

site: .make/dev # into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

screenshot: .make/dev services # docs/page.png, of a demo
	$(BIN)/python -m tests.page.screenshot docs/page.png

soak: .make/dev services fuzz
	REFERENCE_CASES=1000000 cargo test --release --quiet -p tidemill-pools --test reference
	KILLS=200 $(BIN)/python -m pytest -q -p no:randomly --timeout 3000 tests/app/test_kill.py
	PARITY_SWAPS=50000 $(BIN)/python -m pytest -q tests/system/test_parity.py
	LIES_LOGS=1000000 LIES_ONE_IN=100000 $(BIN)/python -m pytest -q tests/chains/test_lies.py
	KAFKA_KILLS=50 $(BIN)/python -m pytest -q tests/system/test_kafka_kill.py
	OUTAGES=1000 $(BIN)/python -m pytest -q --timeout 3000 tests/system/test_emulated.py
	SOAK_EVENTS=50000000 $(BIN)/python -m pytest -q --timeout 3000 tests/app/test_memory.py
	CHAOS_SEED=$$(date +%s) CHAOS_SECONDS=3600 $(BIN)/python -m pytest -q -s --timeout 9000 tests/system/test_chaos.py # the seed is printed
	EXECUTOR_CALLS=100000 $(BIN)/python -m pytest -q --timeout 3000 tests/execute/test_executor_attacks.py
	LIVE_TRADES=200 LIVE_KILLS=50 $(BIN)/python -m pytest -q --timeout 3000 tests/execute/test_live.py tests/execute/test_live_kill.py
	$(BIN)/tidemill train --episodes 10000 --judged-episodes 500 --judged-seeds 10 --data-dir data/soak_train # what parameters earn, with its interval

fuzz:
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --release --target $(FUZZ_TARGET) --target-dir target/fuzz \
		--manifest-path crates/tidemill-frames/fuzz/Cargo.toml
	mkdir -p $(FUZZ_CORPUS)/read_frame $(FUZZ_CORPUS)/follow_blocks
	$(FUZZ_RUN)/read_frame $(FUZZ_LIMITS) $(FUZZ_CORPUS)/read_frame crates/tidemill-frames/fuzz/seeds/read_frame
	$(FUZZ_RUN)/follow_blocks $(FUZZ_LIMITS) $(FUZZ_CORPUS)/follow_blocks
FUZZ_CORPUS := target/fuzz/corpus
FUZZ_RUN = target/fuzz/$(FUZZ_TARGET)/release
FUZZ_LIMITS := -max_total_time=60 -seed=1 -max_len=4096 -artifact_prefix=target/fuzz/ -verbosity=1
FUZZ_TARGET := x86_64-unknown-linux-gnu
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Coverflow-checks=yes -Cdebug-assertions=yes

PROGRAMS := prometheus prometheus-alertmanager victoria-metrics influxdb# they need no other package
SERVERS := $(PROGRAMS) redis-server postgresql
services: .make/dev
ifneq ($(SERVICES),none)
	$(MAKE) .make/sandbox fetched
endif

fetched: .make/page .services/chromium .services/kafka .services/dclint .services/gofakes3 $(SERVERS:%=.services/%) # needs no Python

generate: .make/dev
	$(BIN)/python -m tidemill.app.generate
	$(BIN)/python contracts/compile.py
	cargo fmt

lock: .make/dev
	$(PIP) install --quiet pip-tools
	$(BIN)/pip-compile $(LOCK_OPTIONS) --extra dev --extra sandbox --output-file requirements/dev.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_OPTIONS) --extra sandbox --constraint requirements/dev.lock --output-file requirements/run.lock pyproject.toml
	cargo update --workspace
	cd src/tidemill/sandbox/npm && npm install --package-lock-only --omit-lockfile-registry-resolved
	cd web && npm install --package-lock-only --omit-lockfile-registry-resolved
LOCK_OPTIONS := --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--no-header --no-annotate --strip-extras

clean:
	rm -rf .venv .make .peers .sandbox .services target data logs screenshots site src/tidemill/serve/page web/node_modules

setup: .make/native

# --- what has been set up; a stamp is newer than all that it was made from

.make/venv: requirements/run.lock
	@mkdir -p .make
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tidemill needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --require-hashes -r requirements/run.lock
	$(PIP) install --quiet "$$(grep -oE '^maturin==[0-9.]+' requirements/dev.lock)"
	@touch $@

.make/native: .make/venv pyproject.toml $(RUST_SOURCES)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.make/dev: .make/native requirements/dev.lock
	$(PIP) install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

.services/kafka: tests/servers/kafka_broker/pom.xml # the broker's jars, and a Java to run them
	command -v mvn >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends maven default-jre-headless; }
	rm -rf $@.new
	mvn -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$@.new
	rm -rf $@ && mv $@.new $@ && touch $@

.services/dclint: # the schema of compose files
	rm -rf $@.new
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix $@.new dclint@3.1.0
	rm -rf $@ && mv $@.new $@

.services/gofakes3: # a server of S3's protocol, which needs Go to be made
	command -v go >/dev/null || { echo 'gofakes3: expected Go; SERVICES=none leaves out what needs it'; exit 1; }
	rm -rf $@.new
	GOBIN=$(CURDIR)/$@.new/usr/bin go install github.com/johannesboyne/gofakes3/cmd/gofakes3@$(GOFAKES3)
	rm -rf $@ && mv $@.new $@
GOFAKES3 := v1.2.0

.services/chromium: # installed, for it needs many libraries; it starts nothing by itself
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	mkdir -p $(@D) && touch $@

.services/%: # unpacked, not installed: an installed one starts a server of its own
	command -v apt-get >/dev/null || { echo '$*: expected Debian'"'"'s packages; SERVICES=none leaves out what needs it'; exit 1; }
	rm -rf $@.new && mkdir -p $@.new/archives/partial
	apt-get update -qq
	$(if $(filter $*,$(PROGRAMS)),$(FETCH_ALONE),$(FETCH)) $* >$(CURDIR)/$@.new/log
	find $@.new/archives -name '*.deb' -exec dpkg-deb --extract {} $@.new \; # none where the machine has it already
	rm -r $@.new/archives $@.new/log && mv $@.new $@
FETCH = apt-get install -qq --yes --download-only --no-install-recommends -o APT::Sandbox::User=root \
	-o Dir::Cache::archives=$(CURDIR)/$@.new/archives
FETCH_ALONE = cd $@.new/archives && apt-get download -qq -o APT::Sandbox::User=root

.make/page: $(PAGE_FILES) # into src/tidemill/serve/page/
	@mkdir -p .make
	cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent build
	@touch $@

.make/sandbox: .make/native $(SANDBOX_FILES)
	$(BIN)/python -m tidemill.sandbox.install
	@touch $@
