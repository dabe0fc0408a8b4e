/*
 * The floor: the least work with which one thread can relay the same packets. It is no job server: one function, no
 * priorities, no uniques, no status, no checks, and it crashes where a server would complain. What it takes for a job is
 * what reading, writing and remembering the job cost by themselves, so the distance to it is what a server adds.
 *
 *   floor            listens on a free port of 127.0.0.1 and prints the port's number
 */
#define _GNU_SOURCE
#include "wire.h"

#include <stdbool.h>

struct client {
  int fd;
  bool is_asleep, is_dirty, waits_for_room;
  struct buffer leftover, out;
};

/* One allocation per job: the function and the workload as they came, each where JOB_ASSIGN wants it. */
struct job {
  struct client *waiter; /* NULL: a background job */
  uint32_t function_bytes, workload_bytes;
  char body[];
};

/* A list of pointers that grows; taken from its end, or by number. */
struct list {
  void **items;
  size_t count, capacity;
};

static void append(struct list *list, void *item) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity == 0 ? 1024 : list->capacity * 2;
    list->items = allocate(list->items, list->capacity * sizeof *list->items);
  }
  list->items[list->count++] = item;
}

/* Every job ever, by number: number n is handle "H:floor:n". Those before `next_ready` have been given to a worker. */
static struct list jobs;
static size_t next_ready;
static struct list sleepers, dirty, departed;
static int epoll;

static const char HANDLE_PREFIX[] = "H:floor:";
enum { HANDLE_PREFIX_BYTES = sizeof HANDLE_PREFIX - 1, HANDLE_BYTES_MAX = 32 };

/* snprintf takes longer than all the rest of a job. */
static uint32_t write_handle(char *place, size_t number) {
  char digits[24];
  uint32_t count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  memcpy(place, HANDLE_PREFIX, HANDLE_PREFIX_BYTES);
  for (uint32_t i = 0; i < count; i++) place[HANDLE_PREFIX_BYTES + i] = digits[count - 1 - i];
  return HANDLE_PREFIX_BYTES + count;
}

static char *reply(struct client *client, uint32_t type, uint32_t length) {
  if (!client->is_dirty) {
    client->is_dirty = true;
    append(&dirty, client);
  }
  return put_packet(&client->out, RESPONSE, type, length);
}

static void submit(struct client *client, bool is_background, const char *body, uint32_t length) {
  uint32_t function_bytes = (uint32_t)strlen(body) + 1;
  uint32_t unique_bytes = (uint32_t)strlen(body + function_bytes) + 1;
  uint32_t workload_bytes = length - function_bytes - unique_bytes;
  struct job *job = allocate(NULL, sizeof *job + function_bytes + workload_bytes);
  job->waiter = is_background ? NULL : client;
  job->function_bytes = function_bytes;
  job->workload_bytes = workload_bytes;
  memcpy(job->body, body, function_bytes);
  memcpy(job->body + function_bytes, body + function_bytes + unique_bytes, workload_bytes);

  char handle[HANDLE_BYTES_MAX];
  uint32_t handle_bytes = write_handle(handle, jobs.count);
  append(&jobs, job);
  memcpy(reply(client, JOB_CREATED, handle_bytes), handle, handle_bytes);
  if (sleepers.count > 0) {
    struct client *worker = sleepers.items[--sleepers.count];
    worker->is_asleep = false;
    reply(worker, NOOP, 0);
  }
}

static void assign(struct client *worker) {
  if (next_ready == jobs.count) {
    reply(worker, NO_JOB, 0);
    return;
  }
  char handle[HANDLE_BYTES_MAX];
  uint32_t handle_bytes = write_handle(handle, next_ready);
  handle[handle_bytes++] = 0;
  struct job *job = jobs.items[next_ready++];
  uint32_t body_bytes = job->function_bytes + job->workload_bytes;
  char *place = reply(worker, JOB_ASSIGN, handle_bytes + body_bytes);
  memcpy(place, handle, handle_bytes);
  memcpy(place + handle_bytes, job->body, body_bytes);
}

static void complete(const char *body, uint32_t length) {
  size_t number = strtoul(body + HANDLE_PREFIX_BYTES, NULL, 10);
  struct job *job = jobs.items[number];
  if (job->waiter != NULL) memcpy(reply(job->waiter, WORK_COMPLETE, length), body, length);
  free(job);
  jobs.items[number] = NULL;
}

static void on_packet(struct client *client, uint32_t type, char *body, uint32_t length) {
  switch (type) {
    case SUBMIT_JOB:
    case SUBMIT_JOB_BG:
      submit(client, type == SUBMIT_JOB_BG, body, length);
      break;
    case GRAB_JOB:
      assign(client);
      break;
    case WORK_COMPLETE:
      complete(body, length);
      break;
    case PRE_SLEEP:
      if (next_ready < jobs.count) {
        reply(client, NOOP, 0);
      } else {
        client->is_asleep = true;
        append(&sleepers, client);
      }
      break;
    case ECHO_REQ:
      memcpy(reply(client, ECHO_RES, length), body, length);
      break;
  }
}

/* The memory goes at the end of the turn only: other events of this turn, and the dirty list, may still name it. */
static void depart(struct client *client) {
  for (size_t i = 0; client->is_asleep && i < sleepers.count; i++) {
    if (sleepers.items[i] != client) continue;
    sleepers.items[i] = sleepers.items[--sleepers.count];
    client->is_asleep = false;
  }
  close(client->fd);
  client->fd = -1;
  append(&departed, client);
}

static void watch(struct client *client, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  epoll_ctl(epoll, operation, client->fd, &event);
}

static void welcome(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  send_without_delay(fd);
  struct client *client = calloc(1, sizeof *client);
  client->fd = fd;
  watch(client, EPOLL_CTL_ADD, EPOLLIN);
}

static void receive(struct client *client) {
  uint32_t type, length;
  char *body;
  int outcome = read_once(client->fd, &client->leftover);
  if (outcome < 0) depart(client);
  if (outcome <= 0) return;
  while (next_packet(&client->leftover, REQUEST, &type, &body, &length)) on_packet(client, type, body, length);
}

static void transmit(struct client *client) {
  if (client->fd < 0) return;
  int outcome = write_once(client->fd, &client->out);
  if (outcome < 0) {
    depart(client);
  } else if (client->waits_for_room != (outcome == 0)) {
    client->waits_for_room = outcome == 0;
    watch(client, EPOLL_CTL_MOD, client->waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

/* Read all that is there, then write to each connection once. */
static void turn(int listener) {
  struct epoll_event events[EVENTS_PER_WAIT];
  int count = epoll_wait(epoll, events, EVENTS_PER_WAIT, -1);
  for (int i = 0; i < count; i++) {
    struct client *client = events[i].data.ptr;
    if (client == NULL) {
      welcome(listener);
    } else if (client->fd >= 0) {
      if (events[i].events & ~EPOLLOUT) receive(client);
      if (events[i].events & EPOLLOUT) transmit(client);
    }
  }
  for (size_t i = 0; i < dirty.count; i++) {
    struct client *client = dirty.items[i];
    client->is_dirty = false;
    transmit(client);
  }
  dirty.count = 0;
  for (size_t i = 0; i < departed.count; i++) {
    struct client *client = departed.items[i];
    free(client->leftover.bytes);
    free(client->out.bytes);
    free(client);
  }
  departed.count = 0;
}

int main(void) {
  allow_open_files(0);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t address_bytes = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
    fail("cannot listen: %s", strerror(errno));
  getsockname(listener, (struct sockaddr *)&address, &address_bytes);
  epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) turn(listener);
}
