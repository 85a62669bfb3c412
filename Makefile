# Builds the engine: two WebAssembly modules for users, three more and native executables for the tests.
# `make help` lists the targets. Everything made goes to build/, but for the shipped modules in wasm/dist/.

config ?= debug#           debug, release, sanitize, simd, thread or arm64; for the native targets
DIST ?= wasm/dist

# Which kernels a build gets is decided here, at link time, and nowhere else.
ENGINE := $(filter-out src/kernels_%,$(sort $(wildcard src/*.c)))
SCALAR := src/kernels_scalar.c src/kernels_int8_scalar.c src/kernels_quantise_scalar.c
SIMD := src/kernels_simd128.c src/kernels_int8_simd128.c src/kernels_quantise_simd128.c
HEADERS := $(wildcard src/*.h tests/c/*.h tests/fuzz/*.h)
CASES := $(filter-out tests/c/test_%,$(sort $(wildcard tests/c/*.c)))
# The forward pass in double precision that the fuzzers compare with.
REFERENCE := $(wildcard tests/fuzz/reference*.c)
# What every build depends on; the folder itself is there because its time changes when a source is removed.
ALWAYS := $(HEADERS) src Makefile

# -ffp-contract=off: a fused multiply-add would give scalar and SIMD builds different bits.
# -fno-math-errno: a square root is then one instruction everywhere, and no call.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
CFLAGS_ALL := -std=c11 $(WARNINGS) -ffp-contract=off -fno-math-errno

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: help all wasm wasm-test verify-dist native test-native test-sanitized test-threads numerics fuzz coverage check \
  test-tools test bench format clean lint lint-layout lint-tidy lint-types lint-symbols

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.* ## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

all: wasm ## same as wasm

# ---- WebAssembly ----------------------------------------------------------------------------------------------------

# The memory is imported, and declared so wide (2 to 65536 pages) that the host can bring one of any size with
# initial == maximum. The stack lies below the data: an overflow runs off address 0 and traps, overwriting nothing.
# The kernels hold vectors and say which loops to unroll; left to the compiler both would cost 17 kB everywhere else.
# PURE_WASI keeps Emscripten's own helpers out of the exports. Bulk memory and saturating conversions came to every
# engine before SIMD did, so they ask for nothing more; nor do atomics, which work on a memory of one thread as well:
# wasm/engine/threads.js makes the import a shared one, and gives each thread's instance a stack of its own.
WASM_FLAGS := $(CFLAGS_ALL) -O3 -fno-unroll-loops -fno-vectorize -mbulk-memory -mnontrapping-fptoint -matomics \
  --no-entry -sSTANDALONE_WASM -sPURE_WASI \
  -sIMPORTED_MEMORY -sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=128KB -sMAXIMUM_MEMORY=4GB \
  -sSTACK_SIZE=64KB -Wl,--stack-first,--export=__heap_base,--export=__stack_pointer
SIMD_FLAGS := -msimd128
RELAXED_FLAGS := -msimd128 -mrelaxed-simd -DLF_RELAXED
MAX_BYTES := 81920

# emcc FLAGS: compiles the C files among the prerequisites to the target, with the exports of the .rsp among them.
define emcc
@mkdir -p $(@D)
@echo 'emcc -o $@'
@emcc=$$(tools/toolchain.sh) && "$$emcc" $(WASM_FLAGS) $(1) -ffile-prefix-map=$(CURDIR)=. \
  -sEXPORTED_FUNCTIONS=@$(filter %.rsp,$^) $(filter %.c,$^) -o $@ && chmod 644 $@
@node tools/check-module.mjs $@ $(filter %.rsp,$^) $(MAX_BYTES)
endef

wasm: $(DIST)/linformer-simd128.wasm $(DIST)/linformer-relaxed.wasm $(DIST)/inline.js $(DIST)/manifest.json ## the two shipped modules, as base64 too, and their manifest

$(DIST)/linformer-simd128.wasm: $(ENGINE) $(SIMD) $(ALWAYS) build/exports.rsp tools/toolchain.sh
	$(call emcc,$(SIMD_FLAGS))

$(DIST)/linformer-relaxed.wasm: $(ENGINE) $(SIMD) $(ALWAYS) build/exports.rsp tools/toolchain.sh
	$(call emcc,$(RELAXED_FLAGS))

$(DIST)/inline.js: $(DIST)/linformer-simd128.wasm $(DIST)/linformer-relaxed.wasm tools/inline-modules.js
	@node tools/inline-modules.js $@ $(filter %.wasm,$^)

# manifest_entry FILE,FLAGS
manifest_entry = printf '    "%s": {\n      "bytes": %d,\n      "sha256": "%s",\n      "flags": "%s"\n    }' \
  $(1) $$(wc -c <$(DIST)/$(1)) $$(sha256sum <$(DIST)/$(1) | cut -d ' ' -f 1) '$(WASM_FLAGS) $(2)'

$(DIST)/manifest.json: $(DIST)/linformer-simd128.wasm $(DIST)/linformer-relaxed.wasm
	@emcc=$$(tools/toolchain.sh) && { \
	  printf '{\n  "compiler": "%s",\n  "modules": {\n' "$$("$$emcc" -v 2>&1 | \
	    sed -nE 's/^emcc .*\) ([0-9.]+) .*/Emscripten \1/p; s/.*clang version ([0-9.]+).*/LLVM \1/p' | paste -s -d , | sed 's/,/, /')"; \
	  $(call manifest_entry,linformer-simd128.wasm,$(SIMD_FLAGS)); printf ',\n'; \
	  $(call manifest_entry,linformer-relaxed.wasm,$(RELAXED_FLAGS)); printf '\n  }\n}\n'; } >$@

wasm-test: $(patsubst %,build/test/%.wasm,scalar simd128 relaxed) ## the engine with the cases of tests/c, once for each backend

TEST_SOURCES := $(ENGINE) $(CASES)
# The cases keep their buffers in static memory, hence more of it.
build/test/%.wasm: CPPFLAGS += -Isrc -sINITIAL_MEMORY=16MB
build/test/%.wasm: MAX_BYTES := 131072
build/test/scalar.wasm: $(TEST_SOURCES) $(SCALAR) $(ALWAYS) build/test/exports.rsp tools/toolchain.sh
	$(call emcc,$(CPPFLAGS))
build/test/simd128.wasm: $(TEST_SOURCES) $(SIMD) $(ALWAYS) build/test/exports.rsp tools/toolchain.sh
	$(call emcc,$(CPPFLAGS) $(SIMD_FLAGS))
build/test/relaxed.wasm: $(TEST_SOURCES) $(SIMD) $(ALWAYS) build/test/exports.rsp tools/toolchain.sh
	$(call emcc,$(CPPFLAGS) $(RELAXED_FLAGS))

# One C symbol a line, `#` starts a comment; emcc wants each with a leading underscore.
build/exports.rsp: src/exports.txt
build/test/exports.rsp: src/exports.txt tests/c/exports.txt
build/exports.rsp build/test/exports.rsp:
	@mkdir -p $(@D)
	@sed -E 's/[[:space:]]*(#.*)?$$//; /^$$/d; s/^[[:space:]]*/_/' $^ >$@

verify-dist: ## rebuild into build/verify and compare with wasm/dist, byte for byte
	@rm -rf build/verify
	@$(MAKE) --no-print-directory DIST=build/verify wasm
	@for file in linformer-simd128.wasm linformer-relaxed.wasm inline.js manifest.json; do \
	  cmp build/verify/$$file wasm/dist/$$file || { echo "wasm/dist/$$file is not what the sources build: run 'make wasm'" >&2; exit 1; }; \
	done
	@echo 'wasm/dist is what the sources build'

# ---- Native ---------------------------------------------------------------------------------------------------------

NATIVE := build/native-$(config)
NATIVE_FLAGS_debug := -O0 -g
NATIVE_FLAGS_release := -O3
NATIVE_FLAGS_arm64 := -O3 -static
NATIVE_FLAGS_thread := -O1 -g -fsanitize=thread
NATIVE_FLAGS_sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
# The SIMD kernels under the same sanitizers: WebAssembly's instructions as SIMDe has them for this machine.
NATIVE_FLAGS_simd := $(NATIVE_FLAGS_sanitize) -isystem tests/c/simd
NATIVE_CC_sanitize := clang-19
NATIVE_CC_simd := clang-19
NATIVE_CC_thread := clang-19
NATIVE_CC_arm64 := aarch64-linux-gnu-gcc
NATIVE_CC = $(or $(NATIVE_CC_$(config)),$(CC))
NATIVE_FLAGS = $(or $(NATIVE_FLAGS_$(config)),$(error config is debug, release, sanitize, simd, thread or arm64))

LIB_OBJECTS := $(patsubst %.c,$(NATIVE)/%.o,$(ENGINE) $(if $(filter simd,$(config)),$(SIMD),$(SCALAR)))
TESTS := $(patsubst tests/c/%.c,$(NATIVE)/%,$(wildcard tests/c/test_*.c))
TEST_HELPERS := $(patsubst %.c,$(NATIVE)/%.o,$(CASES))

native: $(NATIVE)/liblinformer.a $(TESTS) ## liblinformer.a with scalar kernels, and the C tests, in build/native-$(config)

test-native: native ## run the C tests (config=sanitize: under the address and undefined behaviour sanitizers)
	@for test in $(TESTS); do echo "$$test"; "$$test" || exit 1; done

test-sanitized:
	@$(MAKE) -s config=sanitize test-native

test-threads: ## the test of threads, under the thread sanitizer
	@$(MAKE) -s config=thread build/native-thread/test_threads
	@build/native-thread/test_threads

$(NATIVE)/liblinformer.a: $(LIB_OBJECTS) src
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJECTS)

$(TESTS): $(NATIVE)/%: $(NATIVE)/tests/c/%.o $(TEST_HELPERS) $(NATIVE)/liblinformer.a
	$(NATIVE_CC) $(NATIVE_FLAGS) $^ -lm -o $@

$(NATIVE)/%.o: %.c $(ALWAYS)
	@mkdir -p $(@D)
	$(NATIVE_CC) $(CFLAGS_ALL) $(NATIVE_FLAGS) -Isrc -c $< -o $@

numerics: build/numerics ## the engine's error against double precision, as a table
	@build/numerics

build/numerics: tests/fuzz/numerics.c $(REFERENCE) tests/c/engine_cases.c $(ENGINE) $(SCALAR) $(ALWAYS)
	@mkdir -p $(@D)
	@clang-19 $(CFLAGS_ALL) -O3 -Isrc $(filter %.c,$^) -lm -o $@

# ---- Fuzzing --------------------------------------------------------------------------------------------------------

# The engine is instrumented for coverage, the targets and their oracles are not: they need not be explored.
seconds ?= 10#             of fuzzing, for each target: make fuzz seconds=60
FUZZ_CC := clang-19 $(CFLAGS_ALL) -O2 -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow \
  -fno-sanitize-recover=all
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

fuzz: $(FUZZ_TARGETS) ## run the fuzz targets for seconds=10 each, under the sanitizers
	@tests/fuzz/run.sh $(seconds) $(FUZZ_TARGETS)

coverage: build/fuzz/simd/names.h ## how much of src/ the C tests and the fuzz corpora execute; the least is 95% of lines, 90% of branches
	@tests/fuzz/coverage.sh

$(FUZZ_TARGETS): %: %.o $(REFERENCE:tests/%.c=build/%.o) $(patsubst src/%.c,build/fuzz/src/%.o,$(ENGINE) $(SCALAR))
	@$(FUZZ_CC) -fsanitize=fuzzer $^ -lm -o $@

build/fuzz/src/%.o: src/%.c $(ALWAYS)
	@mkdir -p $(@D)
	@$(FUZZ_CC) -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp -c $< -o $@

# The engine once more with the SIMD kernels, its functions renamed so that both fit into one program.
build/fuzz/fuzz_engine: build/fuzz/engine_run.o build/fuzz/simd/engine_run.o \
  $(patsubst src/%.c,build/fuzz/simd/%.o,$(ENGINE) $(SIMD))

build/fuzz/simd/names.h: $(patsubst src/%.c,build/fuzz/src/%.o,$(ENGINE) $(SCALAR))
	@mkdir -p $(@D)
	@{ nm --defined-only -g $^ | awk '$$3 ~ /^lf_/ { print "#define " $$3 " simd_" $$3 }'; \
	  echo '#define engine_run simd_engine_run'; } >$@

SIMD_FUZZ := -Isrc -isystem tests/c/simd -include build/fuzz/simd/names.h
build/fuzz/simd/%.o: src/%.c $(ALWAYS) build/fuzz/simd/names.h
	@$(FUZZ_CC) $(SIMD_FUZZ) $(if $(filter $(SIMD),$<),-fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp) -c $< -o $@

build/fuzz/simd/%.o: tests/fuzz/%.c $(ALWAYS) build/fuzz/simd/names.h
	@$(FUZZ_CC) $(SIMD_FUZZ) -c $< -o $@

$(REFERENCE:tests/%.c=build/%.o): build/%.o: tests/%.c $(ALWAYS)
	@mkdir -p $(@D)
	@clang-19 $(CFLAGS_ALL) -O3 -Isrc -c $< -o $@

build/fuzz/%.o: tests/fuzz/%.c $(ALWAYS)
	@mkdir -p $(@D)
	@$(FUZZ_CC) -Isrc -c $< -o $@

# ---- Checks ---------------------------------------------------------------------------------------------------------

C_FILES := $(wildcard src/*.c tests/c/*.c tests/fuzz/*.c)
TIDY := clang-tidy-19 --quiet
jobs := $(shell nproc)

# The parts do not depend on each other: `make -j check` runs them side by side. That wasm/dist is what the sources build is
# seen by tests/js/supply-chain.test.js, in another folder.
check: lint test-sanitized test-threads numerics coverage wasm-test test-tools ## what npm test does before its JavaScript tests, but for fuzzing

# What tests/package and the tests in other versions of Node.js download; here it costs no time of its own.
test-tools:
	@tools/nodes.sh >/dev/null
	@node --input-type=module --eval "import { installTools } from './tests/package/project.js'; await installTools()"

test: ## everything: npm test
	npm test

bench: ## the benchmarks: npm run bench
	npm run bench

format: ## lay out the C files
	clang-format-19 -i $(C_FILES) $(HEADERS)

lint: lint-layout lint-tidy lint-types lint-symbols ## layout, static analysis, types, and what the engine links to

lint-layout:
	clang-format-19 --dry-run --Werror $(C_FILES) $(HEADERS)

# The SIMD kernels are read as the compiler reads them, once for each module.
lint-tidy:
	@printf '%s\n' $(filter-out $(SIMD),$(C_FILES)) | xargs -P $(jobs) -I {} $(TIDY) {} -- -std=c11 -Isrc
	@emcc=$$(tools/toolchain.sh) && for flags in '$(SIMD_FLAGS)' '$(RELAXED_FLAGS)'; do \
	  $(TIDY) $(SIMD) -- $$("$$emcc" --cflags) -std=c11 $$flags || exit 1; done

lint-types:
	@if [ -f tsconfig.json ]; then npx --no-install tsc -p .; fi

# Holds the engine to its word: nothing from outside but the three memory functions.
lint-symbols:
	@$(MAKE) -s config=release build/native-release/liblinformer.a
	@nm -u build/native-release/liblinformer.a | awk '$$1 == "U" && $$2 !~ /^(lf_.*|mem(cpy|move|set))$$/ \
	  { print "the engine must not use " $$2; bad = 1 } END { exit bad }' >&2

clean: ## remove build/ (the compiler stays in .toolchain/)
	rm -rf build
