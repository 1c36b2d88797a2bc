# Relative paths only, so that a checkout below a path with spaces works.
PORT ?= 8000
PYTHON ?= python3
LEDGER_DATA_DIR ?= .data
export LEDGER_DATA_DIR

.DEFAULT_GOAL := help
.PHONY: help install lock run test model fuzz programs test-edge test-agents test-recipes test-packages test-schema test-plans failover-programs test-failover torture torture-short crowd soak check rebuild verify bench

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

install: .venv/installed ## make .venv with the usage-ledger command in it

.venv/installed: pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements-dev.lock
	.venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' pyproject.toml

lock: install ## renew the lock files within the bounds of pyproject.toml (UPGRADE=1: all to their newest)
	$(LOCK) $(if $(UPGRADE),--upgrade) --extra parquet --output-file requirements.lock
	$(LOCK) $(if $(UPGRADE),--upgrade) --all-extras --group dev --constraint requirements.lock --output-file requirements-dev.lock

run: install ## start PostgreSQL and the service on 127.0.0.1, with a demo catalogue (PORT=8000)
	.venv/bin/usage-ledger serve --bind 127.0.0.1:$(PORT)

rebuild: install ## make the read models of `make run` anew from the journal
	.venv/bin/usage-ledger rebuild

verify: install ## compare the read models of `make run` with the journal
	.venv/bin/usage-ledger verify

test: install ## run every test against a real PostgreSQL (or LEDGER_DATABASE_URL)
	.venv/bin/python -m pytest

model: install ## do anything to a ledger and to a model of it, and compare them (MINUTES=10 SEED=7)
	MINUTES='$(or $(MINUTES),10)' SEED='$(SEED)' .venv/bin/python -m pytest -n0 -s tests/model

.venv-fuzz/installed: tests/fuzz/requirements.txt
	.venv/bin/python -m pip --disable-pip-version-check install --quiet --target .venv-fuzz --requirement $<
	@touch $@

fuzz: install .venv-fuzz/installed ## give every parser what chance and coverage find (MINUTES=10 SEED=7 ONLY=json)
	PYTHONPATH=.venv-fuzz .venv/bin/python -m tests.fuzz --minutes '$(or $(MINUTES),10)' $(if $(SEED),--seed '$(SEED)') $(if $(ONLY),--only '$(ONLY)')

PROGRAMS = nginx:nginx-light chromium:chromium chromedriver:chromium-driver node:nodejs openssl:openssl go:golang-go promtool:prometheus \
	/usr/share/gocode/src/golang.org/x/mod:golang-golang-x-mod-dev

programs: ## install nginx, chromium, node, go and promtool where they are missing, on Debian as root
	@PATH="$$PATH:/usr/sbin"; missing=; for each in $(PROGRAMS); do command -v $${each%:*} >/dev/null || test -d $${each%:*} || missing="$$missing $${each#*:}"; done; \
	test -z "$$missing" || { apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $$missing >/dev/null; }

test-edge: install programs ## test with a proxy, a browser and node, in 2 minutes
	.venv/bin/python -m pytest tests/edge

AGENTS = 1.0.7 1.0.5 0.9.8
AGENT_BACKEND = tests/agents/real/backend

# Agents bring many packages, which have nothing to do in .venv.
.venv-agents/%/installed: tests/agents/real/requirements-%.txt $(wildcard $(AGENT_BACKEND)/*.*)
	$(PYTHON) -m venv .venv-agents/$*
	.venv-agents/$*/bin/python -m pip --disable-pip-version-check install --quiet --requirement $< ./$(AGENT_BACKEND)
	@touch $@

test-agents: install $(AGENTS:%=.venv-agents/%/installed) ## let real reporting agents report, in 3 minutes
	.venv/bin/python -m pytest tests/agents/real

.venv-recipes/installed: tests/exports/real/requirements.txt
	$(PYTHON) -m venv .venv-recipes
	.venv-recipes/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

test-recipes: install .venv-recipes/installed ## let pandas and DuckDB read exports, in a minute
	.venv/bin/python -m pytest -n0 tests/exports/real

test-schema: install ## ask a service for all that its description has, in 3 minutes (SEED=7)
	SEED='$(SEED)' .venv/bin/python -m pytest -n0 -s tests/docs/real

test-plans: install ## ask a million usages for everything, and read PostgreSQL's plans, in 8 minutes
	.venv/bin/python -m pytest -n0 tests/plans/real

.venv-packages/installed: tests/operate/real/requirements.txt
	$(PYTHON) -m venv .venv-packages
	.venv-packages/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

test-packages: install .venv-packages/installed ## install the wheel elsewhere, and run it there, in a minute
	.venv/bin/python -m pytest -n0 tests/operate/real

failover-programs:
	@command -v patroni >/dev/null && command -v etcd >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends patroni etcd-server >/dev/null; }

test-failover: install failover-programs ## kill a primary of Patroni's under load, in 7 minutes (Debian, root)
	.venv/bin/python -m pytest -n0 tests/operate/failover/real

torture: install ## break a service for an hour, and check that it keeps its word (MINUTES=60 SEED=7 RECORD=1)
	.venv/bin/python -m tests.torture $(if $(MINUTES),--minutes '$(MINUTES)') $(if $(SEED),--seed $(SEED)) $(if $(RECORD),--record)

torture-short: install ## the same in two minutes (SEED=7)
	.venv/bin/python -m tests.torture --minutes 1.2 --round 7 --most 24 --every 2 --even $(if $(SEED),--seed $(SEED))

crowd: install ## 1,000 clients, slow ones and large bodies on two workers, in three minutes (SECONDS=20)
	.venv/bin/python -m tests.load.crowd $(if $(SECONDS),--seconds $(SECONDS))

soak: install ## load a service for an hour, and look whether anything grows (MINUTES=60)
	.venv/bin/python -m tests.load.soak $(if $(MINUTES),--minutes $(MINUTES))

check: install ## lint and type-check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: install ## measure beside the floors (ONLY=1,3,7 ROUNDS=5 OUT=file.json), in half an hour
	.venv/bin/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(OUT),--out '$(OUT)')
