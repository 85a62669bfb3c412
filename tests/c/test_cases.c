/* test_cases.c - runs the kernel and engine cases natively and prints a hash of each result's bits
 *
 * tests/js/backends.test.js compares these lines with what the WebAssembly builds compute. Here each case is checked
 * for being finite. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"

static float results[ENGINE_CASE_FLOATS];

/* FNV-1a over the bytes of n floats. */
static uint32_t hash(const float *values, size_t n) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) sum = (sum ^ (bits >> shift & 0xffu)) * 16777619u;
  }
  return sum;
}

static int report(const char *kind, int32_t index, const char *name, int32_t count) {
  if (count <= 0) {
    printf("FAILED %s case %d, %s: status %d\n", kind, index, name, count);
    return 1;
  }
  for (int32_t i = 0; i < count; i++) {
    if (!isfinite(results[i])) {
      printf("FAILED %s case %d, %s: value %d is not finite\n", kind, index, name, i);
      return 1;
    }
  }
  printf("%s %d %08x %d %s\n", kind, index, hash(results, (size_t)count), count, name);
  return 0;
}

int main(void) {
  int failures = 0;
  for (int32_t i = 0; i < kernel_case_count(); i++) {
    failures += report("kernel", i, kernel_case_name(i), kernel_case_run(i, results));
  }
  for (int32_t i = 0; i < engine_case_count(); i++) {
    failures += report("engine", i, engine_case_name(i), engine_case_run(i, results));
  }
  return failures != 0;
}
