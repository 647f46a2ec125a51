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
WASMER := $(if $(filter 1,$(FISO_NO_WASMER)),OFF,ON)
WASMER_PROGRAMS := $(patsubst bin/%.cc,%,$(wildcard bin/fiso_*wasmer*.cc))
IMAGES := flow link $(if $(filter ON,$(WASMER)),$(subst _,-,$(WASMER_PROGRAMS:fiso_%=%)))
IMAGE_INPUT := $(if $(filter docker,$(E2E_MODE)),dist)
E2E := wasm http multi-flow kafka-link $(if $(filter ON,$(WASMER)),wasmer-standalone \
  $(subst _,-,$(patsubst fiso_%,%,$(filter-out fiso_wasmer,$(WASMER_PROGRAMS)))))

# $(call configure,PRESET): again only when the presets or a choice changed; Ninja sees to all other changes.
configure = mkdir -p tmp; if [[ CMakePresets.json -nt build/$(1)/build.ninja ]] || \
  ! grep -qs '^FISO_GO_GUESTS:[A-Z]*=$(GO)$$' build/$(1)/CMakeCache.txt || \
  ! grep -qs '^FISO_WASMER:[A-Z]*=$(WASMER)$$' build/$(1)/CMakeCache.txt; then \
  cmake --preset $(1) -DFISO_GO_GUESTS=$(GO) -DFISO_WASMER=$(WASMER) -DFISO_DEPS_DIR=$(FISO_BUILD_CACHE)/deps -DFISO_CARGO_DIR=$(FISO_BUILD_CACHE)/cargo; fi
# $(call compile,PRESET,TARGETS)
compile = $(call configure,$(1)); ninja -C build/$(1) -j $(JOBS) $(2)

.PHONY: help setup demo test test-long test-asan test-tsan bench lint fuzz fmt clean everything needs-wasmer install dist deb docker-all package-files \
  build build-all build-link build-cli build-wasmer-all e2e-all

help: ## what there is
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9 -]+:.*## / { \
	  if (length($$1) > 20) printf "  make %s\n%28s%s\n", $$1, "", $$2; else printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (the others do it first)
	@tools/setup.sh

##@ Programs, into tmp/ (FISO_NO_GO=1: no guests written in Go; FISO_NO_WASMER=1: CMake's FISO_WASMER=OFF)
build build-all: setup ## fiso-flow, fiso-link, fiso: all that needs no Wasmer; and the guests
	@$(call compile,release,fiso-flow fiso-link fiso fiso_guests)

build-link: setup ## fiso-link
	@$(call compile,release,fiso-link)

build-cli: setup ## fiso, the command beside the servers
	@$(call compile,release,fiso)

build-wasmer build-flow-wasmer build-wasmer-link build-wasmer-aio: build-%: setup needs-wasmer ## that program, with Wasmer and its worker
	@test -e bin/fiso_$(subst -,_,$*).cc || { echo 'make: there is no fiso-$* in this version' >&2; exit 2; }
	@$(call compile,release,fiso-$* wasmer_host)

build-wasmer-all: setup needs-wasmer ## all that have Wasmer
	@$(call compile,release,$(subst _,-,$(WASMER_PROGRAMS)) wasmer_host)

needs-wasmer:
	@test '$(WASMER)' = ON || { echo 'make: built without Wasmer (FISO_NO_WASMER=1, or -DFISO_WASMER=OFF): this target needs it' >&2; exit 2; }

# What tests, lints and measures look at: one tree, so nothing is compiled twice.
everything: setup
	@$(call compile,release,all)

##@ Tests
demo: everything ## an order goes in by HTTP, through a WebAssembly module, out as a CloudEvent
	@examples/demo.sh

test: everything ## all tests but the long ones
	@tools/run_tests.sh release -LE long -j $(JOBS)

test-long: everything ## thousands of repeats, reloads and restarts under load
	@tools/run_tests.sh release -L long

test-asan: setup ## unit tests under AddressSanitizer and UBSan
	@$(call compile,asan,unit_tests)
	@tools/run_tests.sh asan -L '$(UNIT)' -j $(JOBS)

test-tsan: setup ## unit tests under ThreadSanitizer, with the fake engine
	@$(call compile,tsan,unit_tests)
	@tools/run_tests.sh tsan -L '$(UNIT)' -j $(JOBS)

e2e-wasm e2e-http e2e-multi-flow e2e-kafka-link e2e-wasmer-standalone e2e-flow-wasmer e2e-wasmer-link e2e-wasmer-aio: e2e-%: everything $(IMAGE_INPUT) ## the scenario of that name
	@tools/e2e.sh $*

e2e-all: everything $(IMAGE_INPUT) ## all of them; with E2E_MODE=docker against the images
	@tools/e2e.sh $(E2E)

##@ What is shipped, into dist/
install: package-files ## into PREFIX (/usr/local), below DESTDIR
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local) --strip

dist: package-files ## tarballs with checksums and SBOMs
	@tools/dist.sh

deb: dist ## Debian packages fiso and fiso-wasmer
	@tools/setup.sh deb
	@tools/deb.sh

docker-flow docker-link docker-wasmer docker-flow-wasmer docker-wasmer-link docker-wasmer-aio: docker-%: dist ## that image, fiso/NAME:TAG
	@tools/setup.sh images
	@docker/build.sh $*

docker-all: dist ## all images
	@tools/setup.sh images
	@docker/build.sh $(IMAGES)

# What is installed beside the programs.
package-files: setup
	@$(call compile,release,package_files)

##@ Looking after the sources
bench: everything ## ours against nginx on this machine, as ratios
	@bench/run.py

lint: everything ## layers, sizes, names, documentation, formatting, clang-tidy
	@tools/lint/run.sh build/release

fuzz: setup ## one fuzz target for a while: make fuzz T=yaml SECONDS=60
	@test -n '$(T)' || { echo 'make fuzz T=name [SECONDS=60]; names: $(patsubst fuzz/%_fuzz.cc,%,$(wildcard fuzz/*_fuzz.cc))'; exit 2; }
	@$(call compile,fuzz,fiso_$(T)_fuzz)
	@fuzz/run.sh build/fuzz/fuzz/fiso_$(T)_fuzz $(T) $(or $(SECONDS),60)

fmt: setup ## format the sources in place
	@git ls-files -co --exclude-standard '*.h' '*.cc' | grep -E '^(src|bin|fuzz|tests|bench)/' | xargs -r clang-format-19 -i

clean: ## remove build/ and tmp/ (the caches in ~/.cache/fiso stay)
	@rm -rf build tmp
