# Tropa: `make demo` shows it, `make test` proves it. Both install what they need and say what they do.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tropa
VENV := $(CACHE)/venv
export TROPA_VENV := $(VENV)
CUSTOMERS ?= 2000
SEED ?= 1
DATA ?= tropa-data/demo

SCHEDULES ?= 250000

.PHONY: help demo test lint unit picture model-long conformance-long discover-long kill-long roles-long demo-truth outage-long bench kafka setup-demo setup-test clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup-demo ## a made-up shop through the real pipeline, ending with the comparison on screen
	@echo "· building tropa (the first time takes some minutes, most of it the Kafka client)"
	cargo build --release --locked
	./target/release/tropa demo --customers $(CUSTOMERS) --seed $(SEED) --data $(DATA) --no-open

test: setup-test lint unit ## everything: format, lints, licences, unit tests, laws, oracles, real Kafka, real engine

lint: setup-test ## format, clippy with warnings denied, licences
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	$(CACHE)/tools/bin/cargo-deny --log-level error check licenses bans sources

unit: setup-test ## all tests, the fast ones first
	@rm -f target/not-run.txt
	cargo test --locked --lib --bins -q
	TMPDIR=$$(sh tests/support/in_memory.sh) sh tests/support/two_at_a_time.sh
	@sh tests/support/not_run.sh

picture: setup-test ## docs/report.png, the picture in the README, out of the test that opens the report in Chromium
	TROPA_PICTURE=1 cargo test --locked --test report

model-long: setup-test ## a million schedules of the fault model, 500 000 by each scheduler; SCHEDULES=n for n of each kind
	TROPA_SCHEDULES=$(SCHEDULES) nice cargo test --profile long --locked --test model -- --nocapture --test-threads 2 one_process roles_give

conformance-long: setup-test ## alignments against all runs: 1,000 maps up to length 5, 20 up to length 7
	TROPA_LONG=1 nice cargo test --profile long --locked --test conformance brute:: -- --nocapture

discover-long: setup-test ## the map found in BPIC 2012, all paths measured by PM4Py
	TROPA_LONG=1 cargo test --locked --test exchange -- --nocapture bpic_2012

bench: setup-test ## events per second beside the ceiling, and other ratios
	cargo bench --locked

kill-long: setup-test ## 200 kill -9, at random and at every step of the write protocol, against the naive oracle
	TROPA_LONG=1 cargo test --profile long --locked --test long kills:: -- --nocapture

roles-long: setup-test ## journeys workers join, leave, die and sleep for ten minutes, against one process
	TROPA_LONG=1 cargo test --profile long --locked --test long workers:: -- --nocapture

demo-truth: setup-test ## what the demo plants against what is reported of it, 200 seeds
	TROPA_LONG=1 nice cargo test --profile long --locked --test demo_truth -- --nocapture

outage-long: setup-test ## ClickHouse away while a million records arrive, and other outages; peak memory
	TROPA_LONG=1 cargo test --profile long --locked --test long outages:: -- --nocapture

kafka: setup-test ## start the development broker; stop it with deploy/dev/kafka/kafka.sh stop
	deploy/dev/kafka/kafka.sh start

setup-demo:
	@deploy/setup.sh demo

setup-test:
	@deploy/setup.sh test

clean: ## remove what was built and the demo's data (the cache folder stays)
	cargo clean
	rm -rf tropa-data
