/* The uniques that libgearman sends unasked. */
#ifndef GEARTRAIN_BENCH_UNIQUE_H
#define GEARTRAIN_BENCH_UNIQUE_H

#include "wire.h"

#include <sys/random.h>

enum { UNIQUE_BYTES = 36 };

/* The shape of a UUID, 128 random bits in hex with four dashes, and cheap: the server is to be the slow part. */
static void write_unique(char *place) {
  static uint64_t state;
  static const char digits[] = "0123456789abcdef";
  if (state == 0 && getrandom(&state, sizeof state, 0) != sizeof state) fail("getrandom: %s", strerror(errno));
  uint64_t bits = 0;
  for (int i = 0; i < UNIQUE_BYTES; i++) {
    if (i % 16 == 0) { /* splitmix64 */
      bits = state += 0x9e3779b97f4a7c15;
      bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
      bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
      bits ^= bits >> 31;
    }
    place[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : digits[bits & 15];
    bits >>= 4;
  }
}

#endif
