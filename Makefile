# Everything sets itself up: Rust and Python 3 are all that a machine needs. All that is made is under target/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BUILD := $(or $(CARGO_TARGET_DIR),target)
READY := $(BUILD)/ready
PYTHON := $(BUILD)/venv/bin/python
CARGO_FLAGS := $(if $(CI),--locked)
# What the demo's password opens. Cargo's build scripts have a variable of that name, with another meaning.
unexport TARGET

# Without jitter entropy the TLS library starts some 30 ms sooner; see tools/setup for the rest.
export AWS_LC_SYS_NO_JITTER_ENTROPY := 1
# The tests start their emulators with it: PYTHON tools/testbed.py serve
export TESTBED_PYTHON := $(abspath $(PYTHON))
# Where a machine's own MariaDB lacks its password plugins, the tests have them from here.
export MARIADB_PLUGINS := $(abspath $(BUILD))/servers/mariadb-plugins
# Newer servers than the machine's own.
export SID_SERVERS := $(abspath $(BUILD))/servers/sid
# What runs the function for arm64 on another processor.
export ARM64_EMULATOR := $(abspath $(BUILD))/servers/arm64
export PYTHONPYCACHEPREFIX := $(abspath $(BUILD))/pycache
# The deployer's build looks for the function in target/lambda, unless it is told otherwise.
ifneq ($(BUILD),target)
export ROTATOR_DIR := $(abspath $(BUILD))/lambda
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: rotator ## build target/release/deploy, with the function inside
	@cargo build $(CARGO_FLAGS) --release -p deployer

.PHONY: rotator
rotator: $(READY)/cc $(READY)/venv $(READY)/targets ## build the function: target/lambda/{x86_64,arm64}/bootstrap
	@tools/setup rotator $(CARGO_FLAGS)

.PHONY: demo
demo: build $(if $(TARGET),$(READY)/servers) ## tell the whole story on this machine, with no AWS account; TARGET=postgres, mysql, redis: with a real server
	@$(PYTHON) $(if $(TARGET),tools/demo_target.py $(TARGET),tools/demo.py)

.PHONY: test
test: rotator sbom $(READY)/servers $(READY)/emulator ## run every test: unit, snapshot, property, and against emulators and real servers
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run $(CARGO_FLAGS) --workspace && cargo test $(CARGO_FLAGS) --workspace --doc --quiet; \
	else \
	  cargo test $(CARGO_FLAGS) --workspace; \
	fi

.PHONY: lint
lint: $(READY)/cc $(READY)/lint ## check format, clippy and the dependencies' licences, sources and advisories
	@cargo fmt --all --check
	@cargo fmt --manifest-path fuzz/Cargo.toml --check
	@cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	@tools/setup deny

.PHONY: chaos
chaos: rotator $(READY)/servers ## kill a command and the function at every call, and all rivals: some two hours
	@CHAOS=all cargo nextest run $(CARGO_FLAGS) --profile chaos -p deployer -p rotator --test integration --test matrix \
	  -E 'test(/^(chaos|rivals|between)::/) or binary(matrix)'

.PHONY: fuzz
fuzz: $(READY)/cc $(READY)/fuzz ## look for input that breaks a parser, each for FUZZ_SECONDS (600)
	@tools/fuzz $(or $(FUZZ_SECONDS),600)

.PHONY: sbom
sbom: rotator $(READY)/cyclonedx ## write the software bills of materials: target/sbom
	@$(PYTHON) tools/sbom.py $(BUILD)/tools/bin/cargo-cyclonedx

.PHONY: reproduce
reproduce: $(READY)/cc $(READY)/venv $(READY)/targets ## build the function twice from nothing, and compare: some 20 minutes
	@tools/reproduce all

.PHONY: bench
bench: build ## measure calls, time and memory: target/bench.json and a table for the README
	@$(PYTHON) tools/bench/bench.py

.PHONY: fmt
fmt: $(READY)/lint ## format the code
	@cargo fmt --all
	@cargo fmt --manifest-path fuzz/Cargo.toml

.PHONY: clean
clean: ## remove all that was made, target/ as a whole
	@rm -rf $(BUILD)

$(READY)/venv: tools/requirements.txt
$(READY)/lint $(READY)/fuzz $(READY)/cyclonedx $(READY)/servers $(READY)/emulator: tools/setup
$(READY)/%:
	@tools/setup $*
	@mkdir -p $(@D) && touch $@
