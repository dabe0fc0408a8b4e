/* The load generator's command line; load.c says what each name means. */
#ifndef GEARTRAIN_BENCH_OPTIONS_H
#define GEARTRAIN_BENCH_OPTIONS_H

#include "wire.h"

enum mode { FOREGROUND, BACKGROUND, FILL, ROUNDS, BESIDE };

static struct {
  enum mode mode;
  int port, pid;
  uint32_t clients, window, workers, jobs, time_ms, rounds, before, payload, unique, load_clients, load_window, pause_ms;
} options = {.clients = 1, .window = 1, .workers = 1, .jobs = 1000, .rounds = 1, .payload = 100};

static void parse_number(const char *argument) {
  static const struct {
    const char *name;
    void *place;
  } numbers[] = {
      {"port", &options.port},       {"pid", &options.pid},         {"clients", &options.clients},
      {"window", &options.window},   {"workers", &options.workers}, {"jobs", &options.jobs},
      {"timeMs", &options.time_ms},  {"rounds", &options.rounds},   {"before", &options.before},
      {"payload", &options.payload}, {"unique", &options.unique},   {"loadClients", &options.load_clients},
      {"loadWindow", &options.load_window}, {"pauseMs", &options.pause_ms},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    size_t name_bytes = strlen(numbers[i].name);
    if (strncmp(argument, numbers[i].name, name_bytes) != 0 || argument[name_bytes] != '=') continue;
    *(uint32_t *)numbers[i].place = (uint32_t)strtoul(argument + name_bytes + 1, NULL, 10);
    return;
  }
  fail("what is %s?", argument);
}

static void parse_options(int argc, char **argv) {
  static const char *modes[] = {[FOREGROUND] = "foreground", [BACKGROUND] = "background", [FILL] = "fill",
                                [ROUNDS] = "rounds", [BESIDE] = "beside"};
  if (argc < 3) fail("usage: load foreground|background|fill|rounds|beside port=N [NAME=N ...]");
  options.mode = FOREGROUND;
  while (options.mode <= BESIDE && strcmp(argv[1], modes[options.mode]) != 0) options.mode++;
  if (options.mode > BESIDE) fail("what is %s?", argv[1]);
  for (int i = 2; i < argc; i++) parse_number(argv[i]);
  if (options.clients == 0 || options.window == 0 || options.jobs == 0) fail("clients, window and jobs are 1 or more");
  if (options.workers == 0 && options.mode != FILL) fail("without workers nobody does the jobs");
  if (options.payload < sizeof(uint32_t)) fail("a payload holds a job's number: %zu bytes or more", sizeof(uint32_t));
  if (options.mode == ROUNDS && options.time_ms > 0) fail("rounds are as long as they take");
  if (options.mode != BESIDE && options.pause_ms > 0) fail("only beside pauses");
  if (options.mode == BESIDE && (options.time_ms == 0 || options.load_clients == 0 || options.load_window == 0))
    fail("beside needs timeMs, loadClients and loadWindow");
}

#endif
