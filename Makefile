# Run `make help` for what there is.
ENVOY_VERSION ?= 1.40.0
ENVOY_BIN ?= $(CURDIR)/.envoy/$(ENVOY_VERSION)/envoy
DURATION ?= 60
WASM := target/wasm32-wasip1/wasm/client_cert_forwarder.wasm

export ENVOY_VERSION ENVOY_BIN DURATION

.DEFAULT_GOAL := help
.PHONY: help
help: ## What the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: toolchain
toolchain:
	@command -v rustup >/dev/null || { echo "make: rustup is missing: install Rust with rustup (rust-toolchain.toml names the toolchain)" >&2; exit 1; }
	@rustup target list --installed | grep -qx wasm32-wasip1 || rustup target add wasm32-wasip1

.PHONY: envoy
envoy:
	@test -x "$(ENVOY_BIN)" || tests/fetch-envoy $(ENVOY_VERSION)

.PHONY: build
build: toolchain
	cargo build --locked -p client-cert-forwarder --target wasm32-wasip1 --profile wasm

.PHONY: demo
demo: build envoy ## Real mTLS requests through a real Envoy, and what the origin received
	cargo run --locked --quiet -p integration --bin demo

.PHONY: run
run: build envoy ## The demo's stack, left running until Ctrl-C
	@cargo run --locked --quiet -p integration --bin demo run

.PHONY: wasm
wasm: build ## Build dist/client_cert_forwarder.wasm
	@mkdir -p dist && cp $(WASM) dist/ && ls -l dist/client_cert_forwarder.wasm

.PHONY: test
test: build envoy ## Every test: unit tests, then integration tests against a real Envoy
	cargo test --locked --workspace --exclude integration
	cargo test --locked -p integration

.PHONY: lint
lint: toolchain ## Formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p client-cert-forwarder --target wasm32-wasip1 -- -D warnings

.PHONY: fmt
fmt: toolchain ## Format the code
	cargo fmt --all

.PHONY: clean
clean: ## Remove everything built (the Envoy binaries stay)
	cargo clean
	rm -rf dist
