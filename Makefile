# `make help` lists the targets.
ENVOY_VERSION ?= 1.40.0
# The older versions that the integration tests support (1.38.3 has no V8).
MATRIX := 1.36.4 1.38.2 1.39.3
ENVOY_BIN ?= $(CURDIR)/.envoy/$(ENVOY_VERSION)/envoy
DURATION ?= 60
TARGET := wasm32-unknown-unknown
WASM := dist/client_cert_forwarder.wasm
DENY_VERSION := 0.20.2
CYCLONEDX_VERSION := 0.5.9
CYCLONEDX := .tools/cargo-cyclonedx-$(CYCLONEDX_VERSION)/bin/cargo-cyclonedx
DENY := .tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
ADVISORIES ?= optional
BUILT := $(or $(CARGO_TARGET_DIR),target)
PROGRAMS := $(BUILT)/debug

export ENVOY_VERSION ENVOY_BIN DURATION

.DEFAULT_GOAL := help
.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { \
		line = sprintf("  %-13s", $$1); count = split($$2, words, " "); \
		for (i = 1; i <= count; i++) { \
			if (length(line) + 1 + length(words[i]) > 80) { print line; line = sprintf("%15s", "") } \
			line = line " " words[i] \
		} \
		print line \
	}' $(MAKEFILE_LIST)

.PHONY: toolchain
toolchain:
	@command -v rustup >/dev/null || { echo "make: rustup is missing: install Rust with rustup (rust-toolchain.toml names the toolchain)" >&2; exit 1; }
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)

# Says before the first build what it takes, measured with two cores and nothing else to do.
.PHONY: announce
announce:
	@test -d "$(PROGRAMS)" || { \
		echo "The first build takes about two minutes on two cores. It downloads 26 MB of"; \
		echo "crates and 40 MB of Envoy, and fills 1.1 GB in $(BUILT) and .envoy."; }

.PHONY: envoy
envoy:
	@test -x "$(ENVOY_BIN)" || tests/fetch-envoy $(ENVOY_VERSION)

.PHONY: vectors
vectors:
	@tests/fetch-vectors

# Linked by the toolchain's linker itself: rustc's own link exports all callbacks of the SDK, and
# Envoy invokes each. Function names stay in, so that a VM backtrace in Envoy's log can be read.
.PHONY: build
build: toolchain
	@mkdir -p dist
	cargo rustc --locked -p client-cert-forwarder --lib --crate-type staticlib --target $(TARGET) --profile wasm
	"$$(rustc --print target-libdir)/../bin/rust-lld" -flavor wasm --no-entry --allow-undefined --strip-debug -O2 --stack-first -z stack-size=1048576 \
		$(addprefix --export=,$(shell cat exports.txt)) \
		$(BUILT)/$(TARGET)/wasm/libclient_cert_forwarder.a -o $(WASM)

.PHONY: programs
programs:
	cargo build --locked -p filter-tests -p settings-api --bins

.PHONY: demo
demo: announce build envoy programs ## Real mTLS requests through a real Envoy, and what the origin received (ARGS=--verbose: all of them)
	@$(PROGRAMS)/demo $(ARGS)

.PHONY: run
run: announce build envoy programs ## Envoy, an origin and the settings API, left running until Ctrl-C
	@$(PROGRAMS)/demo run

.PHONY: wasm
wasm: build ## Build dist/client_cert_forwarder.wasm
	@echo "$(WASM): $$(($$(wc -c <$(WASM)))) bytes"

.PHONY: test
test: build envoy vectors ## Every test: unit tests, then integration tests against a real Envoy
	cargo test --locked --workspace --tests
	@if ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
		echo "The settings API's tests once more, on PostgreSQL:"; \
		STORE=postgres cargo test --locked -p settings-api --test api; \
	else echo "The settings API's tests ran on SQLite alone: PostgreSQL is not installed (make peers)"; fi
	@echo "The same tests of requests, reloads and faults, deployed as the fast path:"
	DEPLOYMENT=fast-path cargo test --locked -p filter-tests --test filter -- $(FAST_PATH_TESTS)

# Folders of tests/filter that run in both deployments. The suffix `::` keeps out tests that have
# the word in their names.
FAST_PATH_TESTS := $(addsuffix ::,authorization spoofing forwarding delivery fields enforcement responses reload robustness faults neighbours)

.PHONY: test-matrix
test-matrix: build vectors ## The integration tests against the older Envoys too
	cargo test --locked --no-run -p filter-tests --test filter
	@for version in $(MATRIX); do \
		echo "Envoy $$version"; \
		export ENVOY_BIN="$(CURDIR)/.envoy/$$version/envoy"; \
		tests/fetch-envoy $$version && \
		cargo test --locked --quiet -p filter-tests --test filter && \
		DEPLOYMENT=fast-path cargo test --locked --quiet -p filter-tests --test filter -- $(FAST_PATH_TESTS) || exit 1; \
	done

.PHONY: fast-path
fast-path: toolchain ## The YAML of the fast path for a plugin configuration: make fast-path CONFIG=plugin.json
	@test -n "$(CONFIG)" || { echo "make: say for what: make fast-path CONFIG=plugin.json" >&2; exit 1; }
	@cargo run --locked -p ccf -- filters "$(CONFIG)"

.PHONY: ccf
ccf: ## The operators' command line: a release binary, its manual page and completions in dist/ccf
	cargo build --locked --release -p ccf
	@mkdir -p dist/ccf
	@cp $(BUILT)/release/ccf dist/ccf/ccf
	@dist/ccf/ccf man >dist/ccf/ccf.1
	@for shell in bash zsh fish; do dist/ccf/ccf completions $$shell >dist/ccf/ccf.$$shell; done
	@echo "dist/ccf/ccf: $$(dist/ccf/ccf --version), $$(wc -c <dist/ccf/ccf) bytes; ccf.1 and completions beside it"

# Neither the checkout's folder nor the builder's home is in the programs, so that they are the same
# on every machine with the same toolchain and C compiler.
.PHONY: dist
dist: image $(CYCLONEDX) ## Everything that a release ships, in dist/release, with checksums and bills of materials
	RUSTFLAGS="--remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(CARGO_HOME)=cargo" \
		CFLAGS="-ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(CARGO_HOME)=cargo" \
		cargo build --locked --release -p ccf -p settings-api --target-dir $(BUILT)/dist
	PATH="$(abspath $(dir $(CYCLONEDX))):$$PATH" release/assemble \
		"$$(rustc -vV | sed -n 's/^host: //p')" $(BUILT)/dist/release "$$(git log -1 --format=%ct)"

$(CYCLONEDX):
	cargo install --locked --root $(@D)/.. --version $(CYCLONEDX_VERSION) cargo-cyclonedx

.PHONY: newcomer
newcomer: ## Run the commands of README.md and the first pages of docs as they stand, in a fresh clone
	NEWCOMER_TARGET="$(abspath $(BUILT))" NEWCOMER_ENVOY="$(CURDIR)/.envoy" tests/newcomer

.PHONY: fuzz
fuzz: ## Search for inputs that break the filter, for DURATION seconds; coverage-guided if a C++ compiler exists
	@cargo run --locked -p fuzz

.PHONY: bench
bench: build envoy ## Measure a request's cost and that of alternatives (under 10 minutes; make bench ARGS="cost --rounds 40", ARGS=--help)
	@test "$$(uname)" = Linux || { echo "make: the benchmark needs Linux: it measures by the kernel's accounting of processes" >&2; exit 2; }
	cargo build --locked --release -p filter-tests --features bench --bin bench
	@$(BUILT)/release/bench $(ARGS)

.PHONY: soak
soak: build envoy ## A million requests over 20,000 connections, or as many as DURATION seconds allow (all: DURATION=3600): memory flat, metrics exact
	@cargo run --locked --release -p filter-tests --bin soak

.PHONY: lint
lint: toolchain ## Check formatting, clippy and rustdoc (warnings are errors), rust-version, comment width and layers
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p filter-tests --features bench --bin bench --tests -- -D warnings
	cargo clippy --locked -p client-cert-forwarder --target $(TARGET) -- -D warnings
	cargo run --locked -p xtask -- msrv
	cargo run --locked -p xtask -- comments
	cargo run --locked -p xtask -- layers
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace --features client-cert-forwarder/schema
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps -p client-cert-forwarder --target $(TARGET)

.PHONY: deny
deny: $(DENY) ## Check licences, sources, banned crates and known vulnerabilities of dependencies (ADVISORIES=required fails without the database)
	@$(DENY) --locked --workspace check licenses bans sources
	@if $(DENY) --locked fetch db 2>/dev/null; then $(DENY) --locked --workspace check advisories; \
	elif [ "$(ADVISORIES)" = required ]; then echo "make: the advisory database can't be fetched" >&2; exit 1; \
	else echo "make: advisories not checked: the database can't be fetched"; fi

$(DENY):
	cargo install --locked --root $(@D)/.. --version $(DENY_VERSION) cargo-deny

.PHONY: fmt
fmt: toolchain ## Format the code
	cargo fmt --all

.PHONY: schema
schema: ## Rewrite envoy/plugin-config.schema.json from the configuration's types
	cargo run --locked --features schema --example plugin-config-schema >envoy/plugin-config.schema.json.new
	mv envoy/plugin-config.schema.json.new envoy/plugin-config.schema.json

.PHONY: clean
clean: ## Remove everything built (the Envoy binaries and test certificates stay)
	cargo clean
	rm -rf dist

.PHONY: image
image: wasm ## The OCI wasm image as an OCI layout in dist/image, and Kubernetes manifests that pin it
	cargo run --locked -p xtask -- image

.PHONY: push
push: ## Push dist/image: make push IMAGE=host:port/name:tag (REGISTRY_USERNAME, REGISTRY_PASSWORD log in)
	@test -n "$(IMAGE)" || { echo "make: say where to: make push IMAGE=host:port/name:tag" >&2; exit 1; }
	@test -d dist/image || { echo "make: dist/image is missing: run make image first" >&2; exit 1; }
	cargo run --locked -p xtask -- push "$(IMAGE)"

.PHONY: peers
peers: ## Install the programs that some tests and the benchmark compare with (Debian, as root); without them those report that they did not run
	apt-get update -qq
	RUNLEVEL=1 apt-get install -qq --no-install-recommends caddy chromium chromium-driver default-jdk-headless docker-registry faketime haproxy nginx-light nodejs openssl \
		php-cli postgresql prometheus skopeo uvicorn valgrind >/dev/null

.PHONY: compose-test
compose-test: wasm envoy ## The integration checks against envoy/docker-compose.yaml (needs a Docker engine)
	@command -v python3 >/dev/null || { echo "make: python3 is missing: install Python 3" >&2; exit 1; }
	cargo build --locked -p settings-api
	SETTINGS_API_BINARY="$(PROGRAMS)/settings-api" python3 -B tests/compose/compose_test.py

.PHONY: release-check
release-check: image ## Check that this commit can be released
	cargo run --locked -p xtask -- release-check

# Panic messages contain source paths. Without the builder's home in them, the module is the same on
# every machine, byte for byte.
CARGO_HOME ?= $(HOME)/.cargo
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS := --remap-path-prefix=$(CARGO_HOME)/registry/src=registry
