# The front door. The building itself is CMake's: see CMakeLists.txt and CMakePresets.json.

PROFILE ?= fast
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
BUILD := build/$(PROFILE)
GENERATOR := $(if $(shell command -v ninja 2>/dev/null),Ninja,Unix Makefiles)

export DESTDIR

.PHONY: build-all help demo test test-matrix bench-cost bench-instruments bench-accuracy bench-loops bench-verdicts bench-profile bench-live bench-serve bench-page bench-reading bench-topk bench-changepoints bench-history bench-history-page bench-peers dual-ffi suite-programs perf-history info install clean

build-all: $(BUILD)/CMakeCache.txt
	@env -u MAKEFLAGS -u MAKELEVEL cmake --build $(BUILD) --parallel $(JOBS)

$(BUILD)/CMakeCache.txt:
	@cmake --preset $(PROFILE) -G '$(GENERATOR)'

help:
	@echo 'make                 the same as make build-all'
	@echo 'make demo            get what is needed, build, and show tare at work'
	@echo 'make test            get what is needed, build, run the tests; the last line sums them up'
	@echo 'make test-matrix     other compilers, sanitizers, musl, aarch64, C11/C17/C++17 (some forty minutes)'
	@echo 'make bench-cost      what a scope costs on this machine'
	@echo 'make bench-instruments  what counting costs, over a plain addition'
	@echo 'make bench-accuracy  work of known cost, as tare and other tools report it'
	@echo 'make bench-loops     what the loops of a benchmark take, beside those of Google Benchmark'
	@echo 'make bench-profile   what profiling costs, and whether two ways of it agree'
	@echo 'make bench-live      what being watched costs a program, and what watching takes'
	@echo 'make bench-serve     the processor time of tare serve, with 0, 1 and 200 clients'
	@echo 'make bench-page      how smooth the live page of 1,000 instruments is, in Chromium'
	@echo 'make bench-reading   how long a live view takes to read a page of 5,000 instruments and 16 threads'
	@echo 'make bench-topk      what a key update of a top-k costs, and a frame'
	@echo 'make bench-changepoints  how often change points are found where there are none, and how soon where there are'
	@echo 'make bench-history   what a history of 1,000,000 points takes: adding, checking, bytes (some minutes)'
	@echo 'make bench-history-page  how large the page of 300 series of 1,000 points is, and how soon Chromium shows it'
	@echo 'make bench-peers     the suite os beside perf bench, hyperfine, stress-ng and sysbench'
	@echo 'make dual-ffi        the suite ffi in the fast and in the instrumented build, side by side (ARGS=--quick)'
	@echo 'make suite-programs  builds real programs for the sandbox of the suite syscalls from their sources at Debian'
	@echo 'make perf-history    measures our own benchmarks, and adds them to the history of this work tree'
	@echo "make bench-verdicts  counts the verdicts of 'tare bench' where the truth is known (up to 2 h; ARGS=--help)"
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

bench-instruments: build-all
	@$(BUILD)/bin/bench-instruments

bench-accuracy:
	@scripts/deps.sh --for bench || true
	@$(MAKE) --no-print-directory build-all
	@bench/accuracy/run.py $(BUILD)

bench-loops:
	@scripts/deps.sh --for bench || true
	@$(MAKE) --no-print-directory build-all
	@bench/loops/run.py $(BUILD)

bench-profile:
	@scripts/deps.sh --for bench || true
	@$(MAKE) --no-print-directory build-all
	@bench/profile/run.py $(BUILD)

bench-live: build-all
	@bench/live/run.py $(BUILD)

bench-serve: build-all
	@bench/serve/run.py $(BUILD)

bench-page: build-all
	@bench/page/run.js $(BUILD)

bench-reading: build-all
	@$(BUILD)/bin/bench-reading

bench-topk: build-all
	@$(BUILD)/bin/bench-topk

bench-changepoints: build-all
	@$(BUILD)/bin/bench-changepoints $(ARGS)

bench-history: build-all
	@bench/history/run.py $(BUILD) $(ARGS)

bench-history-page: build-all
	@bench/history-page/run.js $(BUILD) $(ARGS)

bench-peers:
	@scripts/deps.sh --for bench || true
	@$(MAKE) --no-print-directory build-all
	@bench/suite-peers/run.py $(BUILD) $(ARGS)

dual-ffi:
	@$(MAKE) --no-print-directory PROFILE=fast build-all
	@$(MAKE) --no-print-directory PROFILE=instrumented build-all
	@scripts/dual-suite.sh build/fast build/instrumented $(ARGS)

suite-programs: build-all
	@suites/syscalls/programs/real/build.sh build/suite-programs

perf-history: build-all
	@scripts/perf-history.sh $(BUILD)

bench-verdicts:
	@scripts/deps.sh --for bench || true
	@$(MAKE) --no-print-directory build-all
	@bench/verdicts/run.py $(BUILD) $(ARGS)

info: build-all
	@$(BUILD)/bin/tare info
	@scripts/info.sh $(BUILD) $(PROFILE)

install: build-all
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build
