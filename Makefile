# Cloakroom. `make run` to see it, `make test` to prove it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run build site server test lint unit gate e2e bench soak fuzz clean

# Native builds leave `frontend` out: with it, app/ssr and app/hydrate would be on together.
NATIVE := --workspace --exclude frontend
CARGO := cargo
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

help: ## Says what can be made
	@awk -F':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Builds and starts Cloakroom, the sample API and a development identity provider (or yours: see README.md)
	@sh frontend/tools.sh >/dev/null
	@sh end2end/install.sh
	@$(MAKE) --no-print-directory build
	@node end2end/run.mjs

build: site server ## Leaves target/release/cloakroom, target/site and the sample API

site:
	@sh frontend/site.sh

# One command for both: their dependencies are compiled once, with the same features.
server:
	@printf '\033[1m[cloakroom]\033[0m building the server and the sample API\n' >&2
	@$(CARGO) build --locked --release --package server
	@# By itself: with an example its package's test features are built, which are none of the server's.
	@$(CARGO) build --locked --release --package cloakroom-resource --example messages

test: lint unit gate e2e ## Everything: formatting, lints, tests, the WebAssembly gate, the browser

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked $(NATIVE) --all-targets -- -D warnings
	$(CARGO) clippy --locked --package frontend --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --locked --no-deps --all-features --package 'cloakroom-*'

unit:
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --locked $(NATIVE)
else
	$(CARGO) test --locked $(NATIVE) --all-targets
endif
	$(CARGO) test --locked $(NATIVE) --doc

gate: ## The WebAssembly half knows nothing of tokens, and crates know only whom they may
	@sh frontend/gate.sh

e2e: build ## The browser tests, with the built program
	@sh end2end/test.sh

bench: ## Benchmarks; fails where ID token validation costs over 1.3 times its bare signature
	$(CARGO) bench --locked --package cloakroom-oidc --package cloakroom-bff --package cloakroom-resource

soak: ## What takes long, such as a gibibyte through the proxy in both directions
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --locked $(NATIVE) --run-ignored ignored-only
else
	$(CARGO) test --locked $(NATIVE) --all-targets -- --ignored
endif

# FUZZ_SECONDS for each target; TARGET for one alone.
FUZZ_SECONDS ?= 1200

fuzz: ## Fuzzes every target for FUZZ_SECONDS (1200), or TARGET=jwt alone; wants a nightly compiler
	@FUZZ_SECONDS=$(FUZZ_SECONDS) sh server/fuzz/run.sh $(TARGET)

clean: ## Removes what was built
	$(CARGO) clean
	rm -rf end2end/test-results end2end/playwright-report end2end/artifacts
