# A thin front for people and CI: CMake presets and CTest do the work. `make` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export FISO_BUILD_CACHE ?= $(HOME)/.cache/fiso
export CCACHE_DIR ?= $(FISO_BUILD_CACHE)/ccache
# A second checkout finds what the first one compiled.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export PATH := $(FISO_BUILD_CACHE)/go/bin:$(HOME)/.cargo/bin:$(PATH):/usr/sbin:/sbin
JOBS ?= $(shell nproc)
UNIT := ^(fiso_.*_test|fuzz)$$$$
GO := $(if $(filter 1,$(FISO_NO_GO)),OFF,ON)

# $(call configure,PRESET): again only when the presets or the choice of Go changed; Ninja sees to all other changes.
configure = mkdir -p tmp; if [[ CMakePresets.json -nt build/$(1)/build.ninja ]] || \
  ! grep -qs '^FISO_GO_GUESTS:[A-Z]*=$(GO)$$' build/$(1)/CMakeCache.txt; then \
  cmake --preset $(1) -DFISO_GO_GUESTS=$(GO) -DFISO_DEPS_DIR=$(FISO_BUILD_CACHE)/deps -DFISO_CARGO_DIR=$(FISO_BUILD_CACHE)/cargo; fi
# $(call compile,PRESET,TARGETS)
compile = $(call configure,$(1)); ninja -C build/$(1) -j $(JOBS) $(2)

.PHONY: help setup build demo test test-long test-asan test-tsan bench lint fuzz fmt clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (the others do it first)
	@tools/setup.sh

build: setup ## every program, into tmp/
	@$(call compile,release,all)

demo: build ## an order goes in by HTTP, through a WebAssembly module, out as a CloudEvent
	@examples/demo.sh

test: build ## all tests but the long ones (FISO_NO_GO=1: without the guests written in Go)
	@tools/run_tests.sh release -LE long -j $(JOBS)

test-long: build ## thousands of repeats, reloads and restarts under load
	@tools/run_tests.sh release -L long

test-asan: setup ## unit tests under AddressSanitizer and UBSan
	@$(call compile,asan,unit_tests)
	@tools/run_tests.sh asan -L '$(UNIT)' -j $(JOBS)

test-tsan: setup ## unit tests under ThreadSanitizer, with the fake engine
	@$(call compile,tsan,unit_tests)
	@tools/run_tests.sh tsan -L '$(UNIT)' -j $(JOBS)

bench: build ## ours against nginx on this machine, as ratios
	@bench/run.py

lint: build ## layers, sizes, names, documentation, formatting, clang-tidy
	@tools/lint/run.sh build/release

fuzz: setup ## one fuzz target for a while: make fuzz T=yaml SECONDS=60
	@test -n '$(T)' || { echo 'make fuzz T=name [SECONDS=60]; names: $(patsubst fuzz/%_fuzz.cc,%,$(wildcard fuzz/*_fuzz.cc))'; exit 2; }
	@$(call compile,fuzz,fiso_$(T)_fuzz)
	@fuzz/run.sh build/fuzz/fuzz/fiso_$(T)_fuzz $(T) $(or $(SECONDS),60)

fmt: setup ## format the sources in place
	@git ls-files -co --exclude-standard '*.h' '*.cc' | grep -E '^(src|bin|fuzz|tests|bench)/' | xargs -r clang-format-19 -i

clean: ## remove build/ and tmp/ (the caches in ~/.cache/fiso stay)
	@rm -rf build tmp
