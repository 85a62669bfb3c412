/* check.h - the two things a C test needs: a check that counts, and a summary */
#ifndef LF_TESTS_CHECK_H
#define LF_TESTS_CHECK_H

#include <stdio.h>

static int checks;
static int failures;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    checks++;                                                                                                          \
    if (!(condition)) {                                                                                                \
      failures++;                                                                                                      \
      printf("FAILED %s:%d: %s\n", __FILE__, __LINE__, #condition);                                                    \
    }                                                                                                                  \
  } while (0)

/* What main returns. */
static inline int summary(void) {
  printf("%d checks, %d failed\n", checks, failures);
  return failures != 0;
}

#endif
