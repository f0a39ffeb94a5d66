# What there is to make. Every target says what it does: `make` lists them.

SHELL := bash
IT := tests/with-services.sh cargo test --workspace --locked --test it --
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

.PHONY: help dev test test-all counts bench bench-page peers lint docs fuzz attacks tools clean-tools

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

dev: ## start the service on this machine, with nothing to install or configure
	cargo run --release -- dev

test: ## install what the tests need, and run everything; says how long each stage took
	tests/everything.sh

test-all: test ## everything that `make test` runs, then the long runs, which print their rates, and clients in Go and Java
	tests/install-tools.sh --all
	$(IT) long_runs:: --ignored --nocapture --test-threads 1

counts: ## count the instructions of each rule and compare: UPDATE_COUNTS=1 writes the table
	cargo bench --locked --package countersign-domain --bench rules

bench: ROUNDS = 5
bench: SECONDS = 2
bench: STREAMS = 64,8,1
bench: USERS = 2000
bench: ## measure everything beside the floor: PARTS=calls,latency,… ROUNDS=5 USERS=2000 MOST_USERS=10000000 WRITE_DOCS=1 PROFILE=1 PEERS=1
	$(if $(PEERS),benches/peers/install.sh)
	cargo bench --locked --bench sign_in --no-run
	taskset -c 1 tests/with-services.sh cargo bench --locked --bench sign_in -- --rounds $(ROUNDS) --seconds $(SECONDS) \
		--streams $(STREAMS) --users $(USERS) $(if $(PARTS),--parts $(PARTS)) $(if $(MOST_USERS),--most-users $(MOST_USERS)) \
		$(if $(MOST_CHALLENGES),--most-challenges $(MOST_CHALLENGES)) $(if $(WRITE_DOCS),--write-docs) $(if $(PROFILE),--profile) \
		$(if $(PEERS),--peers)

bench-page: ## write docs/performance.md again from target/bench/report.json, without a run
	cargo test --locked --bench sign_in -- page

peers: ## install the products that PEERS=1 measures beside the service, each from its registry
	benches/peers/install.sh

lint: ## formatting, clippy, links in doc comments, proto files
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items
	buf lint proto

docs: ## write the generated tables of README and the pictures of messages anew
	UPDATE_DOCS=1 cargo test --workspace --locked --test it -- reference::the_readme pictures::every_message

fuzz: ## a long run of damaged messages: FUZZ=200000
	TEST_COUNTERSIGN_FUZZ=$(or $(FUZZ),200000) $(IT) a54_ --nocapture

attacks: ## a long run of races, kills and locks: TRIALS=2000 KILLS=200 SECONDS_OF_LOCKS=60
	TEST_COUNTERSIGN_TRIALS=$(or $(TRIALS),2000) $(IT) attacks::processes --nocapture --test-threads 1
	TEST_COUNTERSIGN_KILLS=$(or $(KILLS),200) $(IT) attacks::notices --nocapture --test-threads 1
	TEST_COUNTERSIGN_DEADLOCK_SECONDS=$(or $(SECONDS_OF_LOCKS),60) $(IT) attacks::deadlocks --nocapture --test-threads 1

tools: ## find or install what the tests need
	tests/install-tools.sh

clean-tools: ## remove what was installed into target/tools
	rm -rf target/tools
