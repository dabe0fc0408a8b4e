/* Wall-clock time and the server's CPU time, the phases of a run that are timed, and percentiles of latencies. */
#ifndef GEARTRAIN_BENCH_CLOCK_H
#define GEARTRAIN_BENCH_CLOCK_H

#include "options.h"
#include "wire.h"

#include <time.h>

static double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) fail("cannot read a clock: %s", strerror(errno));
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double now(void) { return seconds_of(CLOCK_MONOTONIC); }

/*
 * CPU seconds of all threads of the server so far: the utime + stime of /proc/PID/stat, but in nanoseconds instead of
 * ticks of 10 ms, in which a short run would drown.
 */
static double server_cpu(void) {
  clockid_t clock;
  if (options.pid == 0) return 0;
  if (clock_getcpuclockid(options.pid, &clock) != 0) fail("there is no process %d", options.pid);
  return seconds_of(clock);
}

struct phase {
  double wall, cpu;
};

static struct phase phase_begin(void) { return (struct phase){.cpu = server_cpu(), .wall = now()}; }

static struct phase phase_end(struct phase begin) {
  double wall = now() - begin.wall;
  return (struct phase){.wall = wall, .cpu = server_cpu() - begin.cpu};
}

static void phase_add(struct phase *sum, struct phase part) {
  sum->wall += part.wall;
  sum->cpu += part.cpu;
}

struct percentiles {
  double p50_ms, p99_ms;
};

static int ascending(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Sorts them; there has to be one at least. */
static struct percentiles percentiles_of(double *seconds, size_t count) {
  if (count == 0) fail("no job was answered");
  qsort(seconds, count, sizeof *seconds, ascending);
  size_t last = count - 1;
  return (struct percentiles){seconds[last / 2] * 1e3, seconds[last * 99 / 100] * 1e3};
}

#endif
