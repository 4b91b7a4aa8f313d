# The front door. The building itself is CMake's: see CMakeLists.txt and CMakePresets.json.

PROFILE ?= fast
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
BUILD := build/$(PROFILE)
GENERATOR := $(if $(shell command -v ninja 2>/dev/null),Ninja,Unix Makefiles)

export DESTDIR

.PHONY: build-all help demo test test-matrix bench-cost bench-accuracy info install clean

build-all: $(BUILD)/CMakeCache.txt
	@env -u MAKEFLAGS -u MAKELEVEL cmake --build $(BUILD) --parallel $(JOBS)

$(BUILD)/CMakeCache.txt:
	@cmake --preset $(PROFILE) -G '$(GENERATOR)'

help:
	@echo 'make                 the same as make build-all'
	@echo 'make demo            get what is needed, build, and show tare at work'
	@echo 'make test            get what is needed, build, run the tests; the last line sums them up'
	@echo 'make test-matrix     other compilers, sanitizers, musl, aarch64, C11/C17/C++17 (up to half an hour)'
	@echo 'make bench-cost      what a scope costs on this machine'
	@echo 'make bench-accuracy  work of known cost, as tare and other tools report it'
	@echo 'make build-all       libraries, command, examples and tests, in build/PROFILE'
	@echo 'make info            what was built, and what it finds on this machine'
	@echo 'make install         to PREFIX (now $(PREFIX)); DESTDIR is put before it'
	@echo 'make clean           remove build/'
	@echo
	@echo 'PROFILE=fast|instrumented picks the build (default fast); debug, asan and tsan exist, too.'

demo:
	@scripts/deps.sh --for build
	@$(MAKE) --no-print-directory build-all
	@PROFILE=$(PROFILE) scripts/demo.sh

test:
	@scripts/deps.sh --for test
	@cmake --preset $(PROFILE) -G '$(GENERATOR)'
	@$(MAKE) --no-print-directory build-all
	@scripts/run-tests.sh $(BUILD)

test-matrix:
	@scripts/deps.sh --for matrix
	@scripts/test-matrix.sh

bench-cost: build-all
	@$(BUILD)/bin/bench-cost
	@bench/peers/run.sh

bench-accuracy:
	@scripts/deps.sh --for bench || true
	@$(MAKE) --no-print-directory build-all
	@bench/accuracy/run.py $(BUILD)

info: build-all
	@$(BUILD)/bin/tare info

install: build-all
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build
