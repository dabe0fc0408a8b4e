/*
 * The load: puts work on a job server, checks every answer, and prints one line of JSON.
 *
 *   load MODE port=N [pid=N] [clients=N] [window=N] [workers=N] [jobs=N] [timeMs=N] [rounds=N] [before=N]
 *        [payload=BYTES] [unique=1] [loadClients=N] [loadWindow=N] [pauseMs=N]
 *
 *   foreground   `clients` connections keep `window` foreground jobs in flight each, `workers` workers do them. All
 *                workers are known to sleep before the clock starts, so with one client, a window of one and thousands of
 *                workers this is the test for what a crowd of sleepers costs.
 *   background   the same with background jobs and no worker; then `workers` workers drain the queue, timed by itself.
 *   fill         background jobs that are left in the queue.
 *   rounds       a queue that stays as long as it was: `rounds` times, `jobs` background jobs are submitted, and then
 *                `workers` workers do as many of those that are queued. Submissions and drains are timed apart.
 *   beside       foreground jobs for `timeMs`, and again for `timeMs` while `loadClients` other connections keep
 *                `loadWindow` background jobs of another function in flight each, which nobody does. Each client
 *                waits for `pauseMs` before its next job: with 0, there may be little left of the load.
 *
 * `timeMs` ends the submissions when `jobs` has not: with it, servers of which one is a hundred times as fast as another
 * are given the same line. `before` jobs of the same payload were submitted by earlier runs and may still be queued.
 * `unique=1` sends a fresh random 36-byte unique with every job, as libgearman does unasked. `pid` is the server's: the
 * CPU time per job that all its threads used while the clock ran, drain included, is in the result.
 *
 * One thread, so that it takes one processor and leaves the others to the server. A wrong server must not look fast, so
 * it fails on: an ERROR, a lost, repeated or foreign job, a handle other than the one the job was created with, a
 * workload or a result that differs from what was sent in any byte.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "options.h"
#include "unique.h"
#include "wire.h"

#include <fcntl.h>
#include <stdbool.h>

enum { HANDLE_BYTES_MAX = 64, STALL_SECONDS_MAX = 30, LATE_SECONDS_MAX = 3 };

/* ---- What is known about every job ---- */

/*
 * What a group of clients submits: the jobs that are measured, or the load beside them. The job numbers of the first go
 * on where those of earlier runs ended.
 */
struct stream {
  const char *function;
  uint32_t window, limit; /* jobs in flight on a connection; jobs in all */
  double deadline, pause; /* 0: none */
  bool is_background;
  uint32_t submitted, created;
  struct buffer template; /* function, unique and workload; number and unique are written over */
};

/* Names of one length, so that a template differs in nothing else. */
enum { FUNCTION_BYTES = 6 };
static struct stream measured = {.function = "bench"}, load = {.function = "other"};

static struct {
  uint32_t assigned, completed;
  uint32_t grabbed, grabs_max; /* grabs that have been answered with a job or not at all, and how many there may be */
  bool *was_assigned;          /* by job number */
  uint64_t *handle_hash;       /* by job number less `before`, for the workers of a later phase */
  double *latency;             /* seconds, in the order of the answers */
  uint32_t latency_count;
} ledger = {.grabs_max = UINT32_MAX};

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
 * A client has a stream, a worker has none. `submissions` is a permutation of `window` pointers: the first `in_flight`
 * are a client's jobs in the order in which they were sent, and of those the first `named` have got their handle
 * (JOB_CREATED comes in that order too). It pauses until `due`, if that is not 0. `owed` are a worker's grabs and echoes
 * that have not been answered.
 */
struct connection {
  int fd;
  struct stream *stream;
  bool waits_for_room;
  struct buffer leftover, out;
  struct submission **submissions;
  uint32_t in_flight, named, owed;
  double due;
};

static int epoll;
static struct connection *clients, *workers;
static uint32_t answers_owed;

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll, operation, connection->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

static void connect_to_server(struct connection *connection, struct stream *stream) {
  struct sockaddr_in address = loopback(options.port);
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  connection->stream = stream;
  if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0)
    fail("cannot connect to port %d: %s", options.port, strerror(errno));
  send_without_delay(connection->fd);
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  if (stream == NULL) return;
  struct submission *places = calloc(stream->window, sizeof *places);
  connection->submissions = calloc(stream->window, sizeof *connection->submissions);
  for (uint32_t i = 0; i < stream->window; i++) connection->submissions[i] = &places[i];
}

static struct connection *connect_all(uint32_t count, struct stream *stream) {
  struct connection *connections = calloc(count, sizeof *connections);
  for (uint32_t i = 0; i < count; i++) connect_to_server(&connections[i], stream);
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

static void prepare_template(struct stream *stream) {
  struct buffer *template = &stream->template;
  size_t unique_bytes = options.unique ? UNIQUE_BYTES : 0;
  memcpy(buffer_extend(template, FUNCTION_BYTES), stream->function, FUNCTION_BYTES);
  memset(buffer_extend(template, unique_bytes), '-', unique_bytes);
  *buffer_extend(template, 1) = 0;
  memset(buffer_extend(template, options.payload), 'x', options.payload);
}

static uint32_t job_of_workload(const char *workload, size_t bytes, const char *what) {
  uint32_t job;
  if (bytes != options.payload) fail("a %s has %zu bytes instead of %u", what, bytes, options.payload);
  memcpy(&job, workload, sizeof job);
  size_t filler_bytes = options.payload - sizeof job;
  if (memcmp(workload + sizeof job, measured.template.bytes + measured.template.end - filler_bytes, filler_bytes) != 0)
    fail("a %s differs from what was sent", what);
  return job;
}

/* ---- The client ---- */

static bool is_open(const struct stream *stream, double time) {
  return stream->submitted < stream->limit && (stream->deadline == 0 || time < stream->deadline);
}

static void submit(struct connection *client, double time) {
  struct stream *stream = client->stream;
  const struct buffer *template = &stream->template;
  while (client->in_flight < stream->window && is_open(stream, time)) {
    struct submission *submission = client->submissions[client->in_flight++];
    submission->job = options.before + stream->submitted++;
    submission->sent_at = time;
    uint32_t type = stream->is_background ? SUBMIT_JOB_BG : SUBMIT_JOB;
    char *place = put_packet(&client->out, REQUEST, type, (uint32_t)template->end);
    memcpy(place, template->bytes, template->end);
    if (options.unique) write_unique(place + FUNCTION_BYTES);
    memcpy(place + template->end - options.payload, &submission->job, sizeof submission->job);
  }
}

static void forget(struct connection *client, uint32_t index, double time) {
  struct submission *submission = client->submissions[index];
  if (client->stream == &measured) ledger.latency[ledger.latency_count++] = time - submission->sent_at;
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
  client->stream->created++;
  if (client->stream == &measured) ledger.handle_hash[submission->job - options.before] = hash(handle, bytes);
  if (!client->stream->is_background) return;
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
  if (client->stream->pause > 0) {
    client->due = time + client->stream->pause;
  } else {
    submit(client, time);
  }
}

/* ---- The worker: gives every workload back as it is ---- */

static void ask(struct connection *worker, uint32_t type) {
  put_packet(&worker->out, REQUEST, type, 0);
  worker->owed++;
  answers_owed++;
}

static void on_answer(struct connection *worker) {
  if (worker->owed == 0) fail("a worker got an answer to nothing");
  worker->owed--;
  answers_owed--;
}

/* The echo proves that the server has dealt with every packet before it. */
static void grab(struct connection *worker) {
  bool may_grab = ledger.grabbed < ledger.grabs_max;
  if (may_grab) ledger.grabbed++;
  ask(worker, may_grab ? GRAB_JOB : ECHO_REQ);
}

static void on_no_job(struct connection *worker) {
  ledger.grabbed--;
  put_packet(&worker->out, REQUEST, PRE_SLEEP, 0);
  /* Nobody waits for it while foreground jobs are timed, and no real worker would send it then. */
  if (measured.is_background || measured.submitted == 0) ask(worker, ECHO_REQ);
}

static void on_assign(struct connection *worker, const char *body, uint32_t length) {
  size_t handle_bytes = strnlen(body, length);
  size_t head_bytes = handle_bytes + 1 + FUNCTION_BYTES;
  if (head_bytes > length || memcmp(body + handle_bytes + 1, measured.function, FUNCTION_BYTES) != 0)
    fail("a JOB_ASSIGN that is not for our function");
  const char *workload = body + head_bytes;
  uint32_t job = job_of_workload(workload, length - head_bytes, "workload");
  if (job >= options.before + measured.submitted) fail("a worker got job %u, which was not submitted", job);
  if (ledger.was_assigned[job]) fail("a worker got job %u, which was given out before", job);
  bool is_handle_known = measured.is_background && job >= options.before;
  if (is_handle_known && ledger.handle_hash[job - options.before] != hash(body, handle_bytes))
    fail("a worker got job %u under a handle that is not its own", job);
  ledger.was_assigned[job] = true;
  ledger.assigned++;

  char *place = put_packet(&worker->out, REQUEST, WORK_COMPLETE, (uint32_t)(handle_bytes + 1 + options.payload));
  memcpy(place, body, handle_bytes + 1);
  memcpy(place + handle_bytes + 1, workload, options.payload);
  grab(worker);
}

/* ---- Packets in ---- */

static void on_client_packet(struct connection *client, uint32_t type, const char *body, uint32_t length, double time) {
  if (type == JOB_CREATED) {
    on_created(client, body, length, time);
  } else if (type == WORK_COMPLETE) {
    on_complete(client, body, length, time);
  } else {
    fail("an unexpected packet of type %u came to a client", type);
  }
}

static void on_worker_packet(struct connection *worker, uint32_t type, const char *body, uint32_t length) {
  if (type == NOOP) {
    grab(worker);
    return;
  }
  on_answer(worker);
  if (type == JOB_ASSIGN) {
    on_assign(worker, body, length);
  } else if (type == NO_JOB) {
    on_no_job(worker);
  } else if (type != ECHO_RES) {
    fail("an unexpected packet of type %u came to a worker", type);
  }
}

static void receive(struct connection *connection) {
  uint32_t type, length;
  char *body;
  int outcome = read_once(connection->fd, &connection->leftover);
  if (outcome < 0) fail("the server closed a connection");
  if (outcome == 0) return;
  double time = now();
  while (next_packet(&connection->leftover, RESPONSE, &type, &body, &length)) {
    if (type == ERROR) fail("ERROR %.*s", (int)length, body);
    if (connection->stream != NULL) {
      on_client_packet(connection, type, body, length, time);
    } else {
      on_worker_packet(connection, type, body, length);
    }
  }
}

/* Lets those clients go on whose pause is over; returns the milliseconds until one's next is. */
static int end_pauses(void) {
  double time = now(), wait = STALL_SECONDS_MAX;
  for (struct connection *client = clients; client < clients + options.clients; client++) {
    if (client->due == 0) continue;
    double left = client->due > time ? client->due - time : 0;
    if (left < wait) wait = left;
    if (left > 0) continue;
    client->due = 0;
    submit(client, time);
    transmit(client);
  }
  return (int)(wait * 1e3 + 0.999);
}

static void turn(void) {
  struct epoll_event events[EVENTS_PER_WAIT];
  int wait_ms = measured.pause > 0 ? end_pauses() : STALL_SECONDS_MAX * 1000;
  int count = epoll_wait(epoll, events, EVENTS_PER_WAIT, wait_ms);
  if (count == 0 && wait_ms >= STALL_SECONDS_MAX * 1000)
    fail("nothing came for %d s: %u submitted, %u created, %u assigned, %u completed of %u", STALL_SECONDS_MAX,
         measured.submitted, measured.created, ledger.assigned, ledger.completed, measured.limit);
  for (int i = 0; i < count; i++) {
    struct connection *connection = events[i].data.ptr;
    if (events[i].events & ~EPOLLOUT) receive(connection);
    transmit(connection);
  }
}

/* ---- Phases ---- */

/* Connects them the first time. */
static void start_workers(void) {
  bool is_first = workers == NULL;
  if (is_first) workers = connect_all(options.workers, NULL);
  for (struct connection *worker = workers; worker < workers + options.workers; worker++) {
    uint32_t name_bytes = FUNCTION_BYTES - 1;
    if (is_first) memcpy(put_packet(&worker->out, REQUEST, CAN_DO, name_bytes), measured.function, name_bytes);
    grab(worker);
    transmit(worker);
  }
}

static void start_submitting(struct connection *connections, uint32_t count) {
  for (struct connection *client = connections; client < connections + count; client++) {
    client->due = 0;
    submit(client, now());
    transmit(client);
  }
}

/* Over when every job of the stream that was submitted has been answered, and no more may be. */
static struct phase submit_all(void) {
  const uint32_t *answered = measured.is_background ? &measured.created : &ledger.completed;
  struct phase begin = phase_begin();
  if (options.time_ms > 0) measured.deadline = begin.wall + options.time_ms * 1e-3;
  start_submitting(clients, options.clients);
  while (*answered < measured.submitted || is_open(&measured, now())) turn();
  return phase_end(begin);
}

/* Over when the server has answered what each worker sent after its last job, and so has taken every result. */
static struct phase drain(uint32_t jobs) {
  uint32_t assigned_max = ledger.assigned + jobs;
  struct phase begin = phase_begin();
  start_workers();
  while (ledger.assigned < assigned_max || answers_owed > 0) turn();
  return phase_end(begin);
}

/* ---- Results ---- */

/* Of the latencies since the last call. */
static struct percentiles take_percentiles(void) {
  struct percentiles result = percentiles_of(ledger.latency, ledger.latency_count);
  ledger.latency_count = 0;
  return result;
}

static void print_result(struct phase submission, struct phase drain) {
  double jobs = measured.submitted;
  struct percentiles latency = take_percentiles();
  printf("{\"rate\":%.1f,\"p50Ms\":%.4f,\"p99Ms\":%.4f", jobs / submission.wall, latency.p50_ms, latency.p99_ms);
  if (options.pid != 0) printf(",\"cpuUs\":%.4f", (submission.cpu + drain.cpu) / jobs * 1e6);
  if (drain.wall > 0) printf(",\"drainRate\":%.1f", jobs / drain.wall);
  if (drain.wall > 0 && options.pid != 0)
    printf(",\"submitCpuUs\":%.4f,\"drainCpuUs\":%.4f", submission.cpu / jobs * 1e6, drain.cpu / jobs * 1e6);
  printf("}\n");
}

/* ---- Modes ---- */

static void run_rounds(void) {
  struct phase submissions = {0}, drains = {0};
  for (uint32_t round = 0; round < options.rounds; round++) {
    measured.limit = (round + 1) * options.jobs;
    ledger.grabs_max = measured.limit;
    phase_add(&submissions, submit_all());
    phase_add(&drains, drain(options.jobs));
  }
  print_result(submissions, drains);
}

/*
 * gearmand leaves other connections alone for as long as one goes on sending. What has not come back when the time has
 * long been over counts with the time it has waited, so a p99 may be a lower bound.
 */
static void submit_all_beside(void) {
  measured.limit += options.jobs;
  measured.deadline = now() + options.time_ms * 1e-3;
  start_submitting(clients, options.clients);
  while (ledger.completed < measured.submitted || is_open(&measured, now())) {
    turn();
    if (now() > measured.deadline + LATE_SECONDS_MAX) break;
  }
  double end = now();
  for (struct connection *client = clients; client < clients + options.clients; client++)
    for (uint32_t i = 0; i < client->in_flight; i++)
      ledger.latency[ledger.latency_count++] = end - client->submissions[i]->sent_at;
}

static void run_beside(void) {
  measured.pause = options.pause_ms * 1e-3;
  submit_all();
  struct percentiles alone = take_percentiles();

  start_submitting(connect_all(options.load_clients, &load), options.load_clients);
  /* The load has to be in full swing, and the server used to it. */
  for (double end = now() + options.time_ms * 1e-3 / 4; now() < end;) turn();
  uint32_t created = load.created;
  double begin = now();
  submit_all_beside();
  double rate = (load.created - created) / (now() - begin);
  struct percentiles beside = take_percentiles();
  printf("{\"loadRate\":%.1f,\"aloneP50Ms\":%.4f,\"aloneP99Ms\":%.4f,", rate, alone.p50_ms, alone.p99_ms);
  printf("\"besideP50Ms\":%.4f,\"besideP99Ms\":%.4f,\"p99Ratio\":%.4f}\n", beside.p50_ms, beside.p99_ms,
         beside.p99_ms / alone.p99_ms);
}

/* ---- Start ---- */

/* Of the measured stream in the whole run. */
static size_t jobs_max(void) {
  size_t jobs = (size_t)options.jobs * (options.mode == BESIDE ? 2 : options.rounds);
  if (options.before + jobs > UINT32_MAX) fail("job numbers have 32 bits");
  return jobs;
}

static void prepare_streams(void) {
  measured.is_background = options.mode != FOREGROUND && options.mode != BESIDE;
  measured.window = options.window;
  measured.limit = options.jobs;
  prepare_template(&measured);
  load.is_background = true;
  load.window = options.load_window;
  load.limit = UINT32_MAX - options.before;
  prepare_template(&load);
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  allow_open_files(options.clients + options.load_clients + options.workers + 16);
  epoll = epoll_create1(0);
  prepare_streams();
  ledger.was_assigned = calloc(options.before + jobs_max(), sizeof *ledger.was_assigned);
  ledger.handle_hash = calloc(jobs_max(), sizeof *ledger.handle_hash);
  ledger.latency = calloc(jobs_max(), sizeof *ledger.latency);

  if (!measured.is_background) start_workers();
  while (answers_owed > 0) turn();
  clients = connect_all(options.clients, &measured);
  switch (options.mode) {
    case FOREGROUND:
    case FILL:
      print_result(submit_all(), (struct phase){0});
      break;
    case BACKGROUND: {
      struct phase submission = submit_all();
      print_result(submission, drain(measured.submitted));
      break;
    }
    case ROUNDS:
      run_rounds();
      break;
    case BESIDE:
      run_beside();
      break;
  }
}
