#!/usr/bin/env bash
# How much of src/ the C tests and the committed corpora execute, by clang's own counting, as a table on stdout; fails
# below 95% of lines or 90% of branches. The SIMD kernels run natively by SIMDe, in a second engine with other names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=build/coverage
rm -rf "$out"
mkdir -p "$out"
flags=(-std=c11 -O1 -ffp-contract=off -fno-math-errno -Isrc)
objects=()
counted=(-fprofile-instr-generate -fcoverage-mapping)
for source in src/*.c; do
  case "$source" in src/*_simd128.c) continue ;; esac
  object=$out/$(basename "$source" .c).o
  clang-19 "${flags[@]}" "${counted[@]}" -c "$source" -o "$object"
  objects+=("$object")
done

# Of the second engine only its kernels are counted.
make -s build/fuzz/simd/names.h
renamed=(-isystem tests/c/simd -include build/fuzz/simd/names.h)
simd=()
for source in src/*.c tests/fuzz/engine_run.c; do
  count=()
  case $source in
    src/*_simd128.c) count=("${counted[@]}") ;;
    src/kernels_*) continue ;;
  esac
  object=$out/simd_$(basename "$source" .c).o
  clang-19 "${flags[@]}" "${renamed[@]}" "${count[@]}" -c "$source" -o "$object"
  simd+=("$object")
done

helpers=()
for source in tests/c/*.c; do [[ $source == tests/c/test_* ]] || helpers+=("$source"); done
binaries=()
for source in tests/c/test_*.c; do
  binary=$out/$(basename "$source" .c)
  clang-19 "${flags[@]}" -fprofile-instr-generate "$source" "${helpers[@]}" "${objects[@]}" -lm -o "$binary"
  LLVM_PROFILE_FILE=$binary.profraw "$binary" >/dev/null
  binaries+=("$binary")
done
clang-19 "${flags[@]}" "${renamed[@]}" -fprofile-instr-generate tests/c/test_cases.c "${helpers[@]}" "${simd[@]}" -lm -o "$out/simd_test_cases"
LLVM_PROFILE_FILE=$out/simd_test_cases.profraw "$out/simd_test_cases" >/dev/null
binaries+=("$out/simd_test_cases")
for source in tests/fuzz/fuzz_*.c; do
  name=$(basename "$source" .c)
  clang-19 "${flags[@]}" -fprofile-instr-generate -fsanitize=fuzzer "$source" tests/fuzz/engine_run.c tests/fuzz/reference*.c "${objects[@]}" "${simd[@]}" -lm -o "$out/$name"
  LLVM_PROFILE_FILE=$out/$name.profraw "$out/$name" -runs=0 "tests/fuzz/corpus/$name" 2>/dev/null
  binaries+=("$out/$name")
done

llvm-profdata-19 merge -o "$out/all.profdata" "$out"/*.profraw
list=("${binaries[0]}")
for binary in "${binaries[@]:1}"; do list+=(-object "$binary"); done
llvm-cov-19 export --summary-only --instr-profile="$out/all.profdata" "${list[@]}" src/*.c >"$out/summary.json"
llvm-cov-19 show --instr-profile="$out/all.profdata" --show-branches=count "${list[@]}" src/*.c >"$out/lines.txt"
node --input-type=module --eval '
  import { readFileSync } from "node:fs"
  const { files, totals } = JSON.parse(readFileSync(process.argv[1], "utf8")).data[0]
  const row = (name, { lines, branches }) => console.log(`| ${name} | ${lines.covered} / ${lines.count} | ${lines.percent.toFixed(1)}% | ${branches.covered} / ${branches.count} | ${branches.percent.toFixed(1)}% |`)
  console.log("| file | lines | | branches | |\n|---|---|---|---|---|")
  for (const { filename, summary } of files) row(filename.replace(/.*(?=src\/)/, ""), summary)
  row("all", totals)
  process.exit(totals.lines.percent >= 95 && totals.branches.percent >= 90 ? 0 : 1)
' "$out/summary.json"
