/*
 * What the load generator and the floor share: packets over loopback sockets, and nothing about jobs.
 *
 * A packet is magic (4 bytes), type and length of the body (32 bits each, big-endian), body. Whoever reads gets all that
 * one read(2) brought; whoever writes collects in a buffer that leaves with one write(2) per wake-up. System calls are
 * most of what such a program costs, and a measuring stick must not waste any.
 */
#ifndef GEARTRAIN_BENCH_WIRE_H
#define GEARTRAIN_BENCH_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum packet_type {
  CAN_DO = 1,
  PRE_SLEEP = 4,
  NOOP = 6,
  SUBMIT_JOB = 7,
  JOB_CREATED = 8,
  GRAB_JOB = 9,
  NO_JOB = 10,
  JOB_ASSIGN = 11,
  WORK_COMPLETE = 13,
  ECHO_REQ = 16,
  ECHO_RES = 17,
  SUBMIT_JOB_BG = 18,
  ERROR = 19,
};

enum { HEADER_BYTES = 12, READ_BYTES = 256 * 1024, EVENTS_PER_WAIT = 512 };

static const char REQUEST[4] = {0, 'R', 'E', 'Q'};
static const char RESPONSE[4] = {0, 'R', 'E', 'S'};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static void *allocate(void *old, size_t bytes) {
  void *memory = realloc(old, bytes);
  if (memory == NULL) fail("out of memory: %zu bytes", bytes);
  return memory;
}

/* Bytes [start, end) are waiting to be taken. */
struct buffer {
  char *bytes;
  size_t start, end, capacity;
};

/* Makes room for `count` bytes and returns where they go; the caller fills every one of them. */
static char *buffer_extend(struct buffer *buffer, size_t count) {
  if (buffer->end + count > buffer->capacity) {
    buffer->capacity = (buffer->end + count) * 2;
    buffer->bytes = allocate(buffer->bytes, buffer->capacity);
  }
  char *place = buffer->bytes + buffer->end;
  buffer->end += count;
  return place;
}

/* Appends a header and returns where the body of `length` bytes goes. */
static char *put_packet(struct buffer *out, const char magic[4], uint32_t type, uint32_t length) {
  char *place = buffer_extend(out, HEADER_BYTES + length);
  uint32_t big_endian_type = htonl(type), big_endian_length = htonl(length);
  memcpy(place, magic, 4);
  memcpy(place + 4, &big_endian_type, 4);
  memcpy(place + 8, &big_endian_length, 4);
  return place + HEADER_BYTES;
}

/* Room for one read and for the part of a packet that the read before it left over; one at a time, so one for all. */
static struct buffer inbox;

/*
 * Reads once and leaves what is there in `inbox`, the connection's leftover first. Returns 1, or 0 when there was
 * nothing after all, or -1 when the peer is gone.
 */
static int read_once(int fd, struct buffer *leftover) {
  size_t kept = leftover->end;
  inbox.start = inbox.end = 0;
  char *place = buffer_extend(&inbox, kept + READ_BYTES);
  if (kept > 0) memcpy(place, leftover->bytes, kept);
  leftover->end = 0;
  ssize_t count = read(fd, place + kept, READ_BYTES);
  inbox.end = kept + (count > 0 ? (size_t)count : 0);
  if (count > 0) return 1;
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    memcpy(buffer_extend(leftover, kept), place, kept);
    return 0;
  }
  return -1;
}

/* Takes the next whole packet out of `inbox`; 0 when only a part of one is left, which is kept in `leftover`. */
static int next_packet(struct buffer *leftover, const char magic[4], uint32_t *type, char **body, uint32_t *length) {
  size_t available = inbox.end - inbox.start;
  char *packet = inbox.bytes + inbox.start;
  if (available >= HEADER_BYTES) {
    if (memcmp(packet, magic, 4) != 0) fail("a packet began with bytes that are no packet's");
    memcpy(type, packet + 4, 4);
    memcpy(length, packet + 8, 4);
    *type = ntohl(*type);
    *length = ntohl(*length);
    if (available - HEADER_BYTES >= *length) {
      *body = packet + HEADER_BYTES;
      inbox.start += HEADER_BYTES + (size_t)*length;
      return 1;
    }
  }
  if (available > 0) memcpy(buffer_extend(leftover, available), packet, available);
  inbox.start = inbox.end;
  return 0;
}

/* Writes what is waiting. Returns 1 when all is out, 0 when the socket is full, -1 when the peer is gone. */
static int write_once(int fd, struct buffer *out) {
  while (out->start < out->end) {
    ssize_t count = send(fd, out->bytes + out->start, out->end - out->start, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    out->start += (size_t)count;
  }
  out->start = out->end = 0;
  return 1;
}

static void send_without_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Many systems let a process open 1,024 files unless it asks for the more that it may have. */
static void allow_open_files(size_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < wanted)
    fail("this needs %zu open files and the system allows %zu: raise `ulimit -Hn`", wanted, (size_t)limit.rlim_max);
}

#endif
