/*
 * The load: puts work on a job server, checks every answer, and prints one line of JSON.
 *
 *   load MODE port=N [pid=N] [clients=N] [window=N] [workers=N] [jobs=N] [payload=BYTES] [unique=1]
 *
 *   foreground   `clients` connections keep `window` foreground jobs in flight each, `workers` workers do them. All
 *                workers are known to sleep before the clock starts, so with one client, a window of one and thousands of
 *                workers this is the test for what a crowd of sleepers costs.
 *   background   the same with background jobs and no worker; then `workers` workers drain the queue, timed by itself.
 *   fill         background jobs that are left in the queue.
 *
 * `unique=1` sends a fresh random 36-byte unique with every job, as libgearman does unasked. `pid` is the server's: the
 * CPU time per job that it used while the clock ran, drain included, is in the result.
 *
 * One thread, so that it takes one processor and leaves the others to the server. A wrong server must not look fast, so
 * it fails on: an ERROR, a lost, repeated or foreign job, a handle other than the one the job was created with, a
 * workload or a result that differs from what was sent in any byte.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/random.h>
#include <time.h>

enum { HANDLE_BYTES_MAX = 64, UNIQUE_BYTES = 36, STALL_SECONDS_MAX = 30 };

static const char FUNCTION[] = "bench";

enum mode { FOREGROUND, BACKGROUND, FILL };

static struct {
  enum mode mode;
  int port, pid;
  uint32_t clients, window, workers, jobs, payload, unique;
} options = {.clients = 1, .window = 1, .workers = 1, .jobs = 1000, .payload = 100};

/* ---- Clocks ---- */

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

/* ---- What is known about every job ---- */

static struct {
  uint32_t submitted, created, assigned, completed;
  bool *was_assigned;       /* by job number */
  uint64_t *handle_hash;    /* by job number, for the workers of a later phase */
  double *latency;          /* seconds, in the order of the answers */
  uint32_t latency_count;
} ledger;

static uint64_t hash(const char *bytes, size_t count) {
  uint64_t value = 0xcbf29ce484222325;
  for (size_t i = 0; i < count; i++) value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3;
  return value;
}

/* ---- Connections ---- */

struct submission {
  uint32_t job, handle_bytes;
  double sent_at;
  char handle[HANDLE_BYTES_MAX];
};

/*
 * `submissions` is a permutation of `window` pointers: the first `in_flight` are a client's jobs in the order in which
 * they were sent, and of those the first `named` have got their handle (JOB_CREATED comes in that order too).
 */
struct connection {
  int fd;
  bool is_worker, is_idle, waits_for_room;
  struct buffer leftover, out;
  struct submission **submissions;
  uint32_t in_flight, named;
};

static int epoll;
static struct connection *clients, *workers;
static uint32_t idle_workers;

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll, operation, connection->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

static void connect_to_server(struct connection *connection, bool is_worker) {
  struct sockaddr_in address = loopback(options.port);
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  connection->is_worker = is_worker;
  if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0)
    fail("cannot connect to port %d: %s", options.port, strerror(errno));
  send_without_delay(connection->fd);
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  if (is_worker) return;
  struct submission *places = calloc(options.window, sizeof *places);
  connection->submissions = calloc(options.window, sizeof *connection->submissions);
  for (uint32_t i = 0; i < options.window; i++) connection->submissions[i] = &places[i];
}

static struct connection *connect_all(uint32_t count, bool is_worker) {
  struct connection *connections = calloc(count, sizeof *connections);
  for (uint32_t i = 0; i < count; i++) connect_to_server(&connections[i], is_worker);
  return connections;
}

static void transmit(struct connection *connection) {
  int outcome = write_once(connection->fd, &connection->out);
  if (outcome < 0) fail("the server closed a connection");
  if (connection->waits_for_room == (outcome == 0)) return;
  connection->waits_for_room = outcome == 0;
  watch(connection, EPOLL_CTL_MOD, connection->waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* ---- Workloads: the number of the job, then filler ---- */

static struct buffer template; /* function, unique and workload of a submission; number and unique are written over */

static void prepare_template(void) {
  size_t unique_bytes = options.unique ? UNIQUE_BYTES : 0;
  memcpy(buffer_extend(&template, sizeof FUNCTION), FUNCTION, sizeof FUNCTION);
  memset(buffer_extend(&template, unique_bytes), '-', unique_bytes);
  *buffer_extend(&template, 1) = 0;
  memset(buffer_extend(&template, options.payload), 'x', options.payload);
}

static uint32_t job_of_workload(const char *workload, size_t bytes, const char *what) {
  uint32_t job;
  if (bytes != options.payload) fail("a %s has %zu bytes instead of %u", what, bytes, options.payload);
  memcpy(&job, workload, sizeof job);
  size_t filler_bytes = options.payload - sizeof job;
  if (memcmp(workload + sizeof job, template.bytes + template.end - filler_bytes, filler_bytes) != 0)
    fail("a %s differs from what was sent", what);
  return job;
}

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

/* ---- The client ---- */

static void submit(struct connection *client, double time) {
  while (client->in_flight < options.window && ledger.submitted < options.jobs) {
    struct submission *submission = client->submissions[client->in_flight++];
    submission->job = ledger.submitted++;
    submission->sent_at = time;
    uint32_t type = options.mode == FOREGROUND ? SUBMIT_JOB : SUBMIT_JOB_BG;
    char *place = put_packet(&client->out, REQUEST, type, (uint32_t)template.end);
    memcpy(place, template.bytes, template.end);
    if (options.unique) write_unique(place + sizeof FUNCTION);
    memcpy(place + template.end - options.payload, &submission->job, sizeof submission->job);
  }
}

static void forget(struct connection *client, uint32_t index, double time) {
  struct submission *submission = client->submissions[index];
  ledger.latency[ledger.latency_count++] = time - submission->sent_at;
  client->in_flight--;
  client->named--;
  memmove(client->submissions + index, client->submissions + index + 1,
          (client->in_flight - index) * sizeof *client->submissions);
  client->submissions[client->in_flight] = submission;
}

static void on_created(struct connection *client, const char *handle, uint32_t bytes, double time) {
  if (client->named == client->in_flight) fail("JOB_CREATED for nothing that was submitted");
  if (bytes == 0 || bytes > HANDLE_BYTES_MAX) fail("a handle of %u bytes", bytes);
  struct submission *submission = client->submissions[client->named++];
  submission->handle_bytes = bytes;
  memcpy(submission->handle, handle, bytes);
  ledger.created++;
  ledger.handle_hash[submission->job] = hash(handle, bytes);
  if (options.mode == FOREGROUND) return;
  forget(client, 0, time);
  submit(client, time);
}

static void on_complete(struct connection *client, const char *body, uint32_t length, double time) {
  size_t handle_bytes = strnlen(body, length);
  if (handle_bytes == length) fail("a WORK_COMPLETE without a result");
  uint32_t index = 0;
  for (; index < client->named; index++) {
    struct submission *submission = client->submissions[index];
    if (submission->handle_bytes == handle_bytes && memcmp(submission->handle, body, handle_bytes) == 0) break;
  }
  if (index == client->named) fail("WORK_COMPLETE for %.*s, which this client has not in flight", (int)handle_bytes, body);
  uint32_t job = job_of_workload(body + handle_bytes + 1, length - handle_bytes - 1, "result");
  if (job != client->submissions[index]->job) fail("a result belongs to another job");
  ledger.completed++;
  forget(client, index, time);
  submit(client, time);
}

/* ---- The worker: gives every workload back as it is ---- */

static void on_assign(struct connection *worker, const char *body, uint32_t length) {
  size_t handle_bytes = strnlen(body, length);
  size_t head_bytes = handle_bytes + 1 + sizeof FUNCTION;
  if (head_bytes > length || memcmp(body + handle_bytes + 1, FUNCTION, sizeof FUNCTION) != 0)
    fail("a JOB_ASSIGN that is not for our function");
  const char *workload = body + head_bytes;
  uint32_t job = job_of_workload(workload, length - head_bytes, "workload");
  if (job >= ledger.submitted) fail("a worker got job %u, which was not submitted", job);
  if (ledger.was_assigned[job]) fail("a worker got job %u, which was given out before", job);
  if (options.mode == BACKGROUND && ledger.handle_hash[job] != hash(body, handle_bytes))
    fail("a worker got job %u under a handle that is not its own", job);
  ledger.was_assigned[job] = true;
  ledger.assigned++;

  char *place = put_packet(&worker->out, REQUEST, WORK_COMPLETE, (uint32_t)(handle_bytes + 1 + options.payload));
  memcpy(place, body, handle_bytes + 1);
  memcpy(place + handle_bytes + 1, workload, options.payload);
  put_packet(&worker->out, REQUEST, GRAB_JOB, 0);
}

static void set_idle(struct connection *worker, bool is_idle) {
  idle_workers += (uint32_t)is_idle - (uint32_t)worker->is_idle;
  worker->is_idle = is_idle;
}

/* ---- Packets in ---- */

static void on_packet(struct connection *connection, uint32_t type, const char *body, uint32_t length, double time) {
  if (type == ERROR) fail("ERROR %.*s", (int)length, body);
  if (!connection->is_worker && type == JOB_CREATED) {
    on_created(connection, body, length, time);
  } else if (!connection->is_worker && type == WORK_COMPLETE) {
    on_complete(connection, body, length, time);
  } else if (connection->is_worker && type == JOB_ASSIGN) {
    on_assign(connection, body, length);
  } else if (connection->is_worker && type == NO_JOB) {
    put_packet(&connection->out, REQUEST, PRE_SLEEP, 0);
    /* The echo proves that the server has dealt with PRE_SLEEP and with every packet before it. Nobody waits for it
       while foreground jobs are timed, and no real worker would send it then. */
    if (options.mode == BACKGROUND || ledger.submitted == 0) put_packet(&connection->out, REQUEST, ECHO_REQ, 0);
  } else if (connection->is_worker && type == NOOP) {
    set_idle(connection, false);
    put_packet(&connection->out, REQUEST, GRAB_JOB, 0);
  } else if (connection->is_worker && type == ECHO_RES) {
    set_idle(connection, true);
  } else {
    fail("an unexpected packet of type %u came to a %s", type, connection->is_worker ? "worker" : "client");
  }
}

static void receive(struct connection *connection) {
  uint32_t type, length;
  char *body;
  int outcome = read_once(connection->fd, &connection->leftover);
  if (outcome < 0) fail("the server closed a connection");
  if (outcome == 0) return;
  double time = now();
  while (next_packet(&connection->leftover, RESPONSE, &type, &body, &length))
    on_packet(connection, type, body, length, time);
}

static void turn(void) {
  struct epoll_event events[EVENTS_PER_WAIT];
  int count = epoll_wait(epoll, events, EVENTS_PER_WAIT, STALL_SECONDS_MAX * 1000);
  if (count == 0)
    fail("nothing came for %d s: %u submitted, %u created, %u assigned, %u completed of %u", STALL_SECONDS_MAX,
         ledger.submitted, ledger.created, ledger.assigned, ledger.completed, options.jobs);
  for (int i = 0; i < count; i++) {
    struct connection *connection = events[i].data.ptr;
    if (events[i].events & ~EPOLLOUT) receive(connection);
    transmit(connection);
  }
}

/* ---- Phases ---- */

static void start_workers(void) {
  for (uint32_t i = 0; i < options.workers; i++) {
    memcpy(put_packet(&workers[i].out, REQUEST, CAN_DO, sizeof FUNCTION - 1), FUNCTION, sizeof FUNCTION - 1);
    put_packet(&workers[i].out, REQUEST, GRAB_JOB, 0);
    transmit(&workers[i]);
  }
}

static struct phase submit_all(void) {
  const uint32_t *answered = options.mode == FOREGROUND ? &ledger.completed : &ledger.created;
  struct phase begin = phase_begin();
  for (uint32_t i = 0; i < options.clients; i++) {
    submit(&clients[i], now());
    transmit(&clients[i]);
  }
  while (*answered < options.jobs) turn();
  return phase_end(begin);
}

/* Over when the server has answered what each worker sent after its last job, and so has taken every result. */
static struct phase drain_all(void) {
  struct phase begin = phase_begin();
  start_workers();
  while (ledger.assigned < options.jobs || idle_workers < options.workers) turn();
  return phase_end(begin);
}

/* ---- Command line and result ---- */

static void parse_number(const char *argument) {
  static const struct {
    const char *name;
    void *place;
  } numbers[] = {
      {"port", &options.port},       {"pid", &options.pid},   {"clients", &options.clients}, {"window", &options.window},
      {"workers", &options.workers}, {"jobs", &options.jobs}, {"payload", &options.payload}, {"unique", &options.unique},
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
  static const char *modes[] = {[FOREGROUND] = "foreground", [BACKGROUND] = "background", [FILL] = "fill"};
  if (argc < 3) fail("usage: load foreground|background|fill port=N [NAME=N ...]");
  options.mode = FOREGROUND;
  while (options.mode <= FILL && strcmp(argv[1], modes[options.mode]) != 0) options.mode++;
  if (options.mode > FILL) fail("what is %s?", argv[1]);
  for (int i = 2; i < argc; i++) parse_number(argv[i]);
  if (options.clients == 0 || options.window == 0 || options.jobs == 0) fail("clients, window and jobs are 1 or more");
  if (options.workers == 0 && options.mode != FILL) fail("without workers nobody does the jobs");
  if (options.payload < sizeof(uint32_t)) fail("a payload holds a job's number: %zu bytes or more", sizeof(uint32_t));
}

static int ascending(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void print_result(struct phase submission, struct phase drain) {
  double jobs = options.jobs;
  qsort(ledger.latency, ledger.latency_count, sizeof *ledger.latency, ascending);
  size_t last = ledger.latency_count - 1;
  printf("{\"rate\":%.1f,\"p50Ms\":%.4f,\"p99Ms\":%.4f", jobs / submission.wall, ledger.latency[last / 2] * 1e3,
         ledger.latency[last * 99 / 100] * 1e3);
  if (options.pid != 0) printf(",\"cpuUs\":%.4f", (submission.cpu + drain.cpu) / jobs * 1e6);
  if (options.mode == BACKGROUND) printf(",\"drainRate\":%.1f", jobs / drain.wall);
  if (options.mode == BACKGROUND && options.pid != 0) printf(",\"drainCpuUs\":%.4f", drain.cpu / jobs * 1e6);
  printf("}\n");
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  allow_open_files(options.clients + options.workers + 16);
  epoll = epoll_create1(0);
  prepare_template();
  ledger.was_assigned = calloc(options.jobs, sizeof *ledger.was_assigned);
  ledger.handle_hash = calloc(options.jobs, sizeof *ledger.handle_hash);
  ledger.latency = calloc(options.jobs, sizeof *ledger.latency);

  if (options.mode == FOREGROUND) {
    workers = connect_all(options.workers, true);
    start_workers();
    while (idle_workers < options.workers) turn();
  }
  clients = connect_all(options.clients, false);
  struct phase submission = submit_all(), drain = {0};
  if (options.mode == BACKGROUND) {
    workers = connect_all(options.workers, true);
    drain = drain_all();
  }
  print_result(submission, drain);
}
