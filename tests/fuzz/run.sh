#!/usr/bin/env bash
# Runs fuzz targets for a number of seconds each, as many at once as there are processors, and says how many inputs
# each executed, in libFuzzer's own count. Fails when one has a finding, and shows it.
#   tests/fuzz/run.sh SECONDS BINARY ...      0: for ever; MAX_LEN: longest input in bytes (default 200)
# What an input newly reaches is kept in build/fuzz/corpus/NAME and goes on from there the next time; the committed
# seeds are in tests/fuzz/corpus/NAME. A finding becomes build/fuzz/NAME-crash-...: run the binary on it to see it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=$1
shift

fuzz_one() {
  local binary=$1 name log status=0
  name=$(basename "$binary")
  log=build/fuzz/$name.log
  mkdir -p "build/fuzz/corpus/$name"
  "$binary" -max_total_time="$seconds" -max_len="${MAX_LEN:-200}" -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
  awk -v name="$name" '/^stat::number_of_executed_units/ { n = $2 } /cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
    END { printf "%-14s %12d inputs, %d edges\n", name, n, cov }' "$log"
  if [ "$status" != 0 ]; then
    echo "$name: finding, exit status $status:" >&2
    grep -vE 'NEW |REDUCE|pulse|# Uses' "$log" | tail -40 >&2
    return 1
  fi
}
export -f fuzz_one
export seconds
printf '%s\n' "$@" | xargs -P "$(nproc)" -I {} bash -c 'fuzz_one {}'
