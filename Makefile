# What there is to make. Every target says what it does: `make` lists them.

SHELL := bash
IT := tests/with-services.sh cargo test --workspace --locked --test it --
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

.PHONY: help dev test test-all bench lint docs fuzz attacks tools clean-tools

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

dev: ## start the service on this machine, with nothing to install or configure
	cargo run --release -- dev

test: ## install what the tests need, and run everything; says how long each stage took
	tests/everything.sh

test-all: test ## everything that `make test` runs, then the long runs, which print their rates
	$(IT) long_runs:: --ignored --nocapture --test-threads 1
bench: ROUNDS = 3
bench: SECONDS = 2
bench: STREAMS = 64,8,1
bench: USERS = 2000
bench: ## measure what a sign-in costs: ROUNDS=3 SECONDS=2 STREAMS=64,8,1 USERS=2000 PROFILE=1
	cargo bench --locked --bench sign_in --no-run
	taskset -c 1 tests/with-services.sh cargo bench --locked --bench sign_in -- --rounds $(ROUNDS) --seconds $(SECONDS) \
		--streams $(STREAMS) --users $(USERS) $(if $(PROFILE),--profile)

lint: ## formatting, clippy, proto files
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	buf lint proto

docs: ## write the generated tables of README and the pictures of messages anew
	UPDATE_DOCS=1 cargo test --workspace --locked --test it -- reference::the_readme pictures::every_message

fuzz: ## a long run of damaged messages: FUZZ=200000
	COUNTERSIGN_TEST_FUZZ=$(or $(FUZZ),200000) $(IT) a54_ --nocapture

attacks: ## a long run of races, kills and locks: TRIALS=2000 KILLS=200 SECONDS_OF_LOCKS=60
	COUNTERSIGN_TEST_TRIALS=$(or $(TRIALS),2000) $(IT) attacks::processes --nocapture --test-threads 1
	COUNTERSIGN_TEST_KILLS=$(or $(KILLS),200) $(IT) attacks::notices --nocapture --test-threads 1
	COUNTERSIGN_TEST_DEADLOCK_SECONDS=$(or $(SECONDS_OF_LOCKS),60) $(IT) attacks::deadlocks --nocapture --test-threads 1

tools: ## find or install what the tests need
	tests/install-tools.sh

clean-tools: ## remove what was installed into target/tools
	rm -rf target/tools
