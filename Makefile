# Everything sets itself up: Rust and Python 3 are all that a machine needs. All that is made is under target/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

TARGET := $(or $(CARGO_TARGET_DIR),target)
READY := $(TARGET)/ready
PYTHON := $(TARGET)/venv/bin/python
CARGO_FLAGS := $(if $(CI),--locked)

# Without jitter entropy the TLS library starts some 30 ms sooner; see tools/setup for the rest.
export AWS_LC_SYS_NO_JITTER_ENTROPY := 1
# The tests start their emulators with it: PYTHON tools/testbed.py serve
export TESTBED_PYTHON := $(abspath $(PYTHON))
export PYTHONPYCACHEPREFIX := $(abspath $(TARGET))/pycache
# The deployer's build looks for the function in target/lambda, unless it is told otherwise.
ifneq ($(TARGET),target)
export ROTATOR_DIR := $(abspath $(TARGET))/lambda
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: rotator ## build target/release/deploy, with the function inside
	@cargo build $(CARGO_FLAGS) --release -p deployer

.PHONY: rotator
rotator: $(READY)/cc $(READY)/venv $(READY)/targets ## build the function: target/lambda/{x86_64,arm64}/bootstrap
	@tools/setup rotator $(CARGO_FLAGS)

.PHONY: demo
demo: build ## tell the whole story on this machine, with no AWS account
	@$(PYTHON) tools/demo.py

.PHONY: test
test: rotator ## run every test: unit, snapshot, property, and against both emulators
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run $(CARGO_FLAGS) --workspace && cargo test $(CARGO_FLAGS) --workspace --doc --quiet; \
	else \
	  cargo test $(CARGO_FLAGS) --workspace; \
	fi

.PHONY: lint
lint: $(READY)/cc $(READY)/lint ## check format, clippy and the dependencies' licences, sources and advisories
	@cargo fmt --all --check
	@cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	@tools/setup deny

.PHONY: bench
bench: build ## measure calls, time and memory: target/bench.json and a table for the README
	@$(PYTHON) tools/bench/bench.py

.PHONY: fmt
fmt: $(READY)/lint ## format the code
	@cargo fmt --all

.PHONY: clean
clean: ## remove all that was made, target/ as a whole
	@rm -rf $(TARGET)

$(READY)/venv: tools/requirements.txt
$(READY)/lint: tools/setup
$(READY)/%:
	@tools/setup $*
	@mkdir -p $(@D) && touch $@
