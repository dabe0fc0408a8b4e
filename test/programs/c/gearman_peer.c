/* A client and a worker on libgearman in one program: gearman_peer MODE PORT [ARGUMENT...].
 * Every mode prints one line for each thing it learns, for a test to compare. */
#include <libgearman/gearman.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static gearman_return_t upper(gearman_job_st *job, void *context) {
  (void)context;
  size_t size = gearman_job_workload_size(job);
  char *result = malloc(size + 1);
  memcpy(result, gearman_job_workload(job), size);
  for (size_t n = 0; n < size; n++)
    if (result[n] >= 'a' && result[n] <= 'z') result[n] -= 'a' - 'A';
  gearman_job_send_status(job, 1, 2);
  gearman_job_send_data(job, result, size > 2 ? 2 : size);
  gearman_job_send_warning(job, "careful", 7);
  gearman_return_t sent = gearman_job_send_complete(job, result, size);
  free(result);
  return sent;
}

static gearman_return_t fails(gearman_job_st *job, void *context) {
  (void)job, (void)context;
  return GEARMAN_FATAL;
}

static gearman_return_t throws(gearman_job_st *job, void *context) {
  (void)context;
  return gearman_job_send_exception(job, "broken", 6);
}

/* Ends its job only when a line comes, and says what happens around it. */
static gearman_return_t slow(gearman_job_st *job, void *context) {
  (void)context;
  char line[16];
  printf("has %.*s %s\n", (int)gearman_job_workload_size(job), (const char *)gearman_job_workload(job),
         gearman_job_unique(job));
  if (fgets(line, sizeof line, stdin) == NULL) return GEARMAN_FATAL;
  gearman_return_t sent = gearman_job_send_complete(job, "slow", 4);
  printf("sent %s\n", gearman_strerror(sent));
  return sent;
}

/* The mapper of map/reduce: gives its reducer one task for each word. */
static gearman_return_t split(gearman_job_st *job, void *context) {
  (void)context;
  const char *word = gearman_job_workload(job);
  const char *end = word + gearman_job_workload_size(job);
  while (word < end) {
    const char *blank = memchr(word, ' ', (size_t)(end - word));
    const char *stop = blank == NULL ? end : blank;
    gearman_return_t sent = gearman_job_send_data(job, word, (size_t)(stop - word));
    if (gearman_failed(sent)) return GEARMAN_ERROR;
    word = stop + 1;
  }
  return GEARMAN_SUCCESS;
}

static gearman_return_t join(gearman_aggregator_st *aggregator, gearman_task_st *task, gearman_result_st *result) {
  (void)aggregator;
  char joined[256];
  size_t size = 0;
  for (; task != NULL; task = gearman_next(task)) {
    gearman_result_st *part = gearman_task_result(task);
    size_t part_size = part == NULL ? 0 : gearman_result_size(part);
    if (size + part_size + 1 > sizeof joined) return GEARMAN_ERROR;
    if (size > 0 && part_size > 0) joined[size++] = ' ';
    memcpy(joined + size, gearman_result_value(part), part_size);
    size += part_size;
  }
  return gearman_result_store_value(result, joined, size);
}

static gearman_return_t reduce_upper(gearman_job_st *job, void *context) {
  (void)context;
  char result[64];
  size_t size = gearman_job_workload_size(job);
  if (size > sizeof result) return GEARMAN_ERROR;
  memcpy(result, gearman_job_workload(job), size);
  for (size_t n = 0; n < size; n++)
    if (result[n] >= 'a' && result[n] <= 'z') result[n] -= 'a' - 'A';
  return gearman_job_send_data(job, result, size);
}

static void define(gearman_worker_st *worker, const char *name, gearman_function_t function, uint32_t timeout) {
  gearman_worker_define_function(worker, name, strlen(name), function, timeout, NULL);
}

/* worker PORT [TIMEOUT]: all functions, until killed. With a timeout `slow` is registered with it. */
static int work(in_port_t port, uint32_t timeout, const char *host) {
  gearman_worker_st *worker = gearman_worker_create(NULL);
  gearman_worker_add_server(worker, host, port);
  gearman_worker_set_identifier(worker, "c-worker", 8);
  define(worker, "upper", gearman_function_create(upper), 0);
  define(worker, "fails", gearman_function_create(fails), 0);
  define(worker, "throws", gearman_function_create(throws), 0);
  define(worker, "slow", gearman_function_create(slow), timeout);
  define(worker, "reduce_upper", gearman_function_create(reduce_upper), 0);
  /* The worker's own aggregator joins what the tasks of `split` return. */
  define(worker, "split", gearman_function_create_partition(split, join), 0);
  for (;;) {
    gearman_return_t result = gearman_worker_work(worker);
    if (result == GEARMAN_SUCCESS) continue;
    printf("work: %s\n", gearman_strerror(result));
    /* A failed job is no reason to stop, a server that is gone or says the unexpected is. */
    if (result != GEARMAN_WORK_FAIL && result != GEARMAN_ERROR && result != GEARMAN_WORK_EXCEPTION) break;
  }
  gearman_worker_free(worker);
  return 0;
}

static gearman_return_t print_event(const char *event, gearman_task_st *task) {
  printf("%s %s %.*s\n", gearman_task_unique(task), event, (int)gearman_task_data_size(task),
         gearman_task_data_size(task) == 0 ? "" : (const char *)gearman_task_data(task));
  return GEARMAN_SUCCESS;
}
static gearman_return_t on_created(gearman_task_st *task) { return print_event("created", task); }
static gearman_return_t on_data(gearman_task_st *task) { return print_event("data", task); }
static gearman_return_t on_warning(gearman_task_st *task) { return print_event("warning", task); }
static gearman_return_t on_complete(gearman_task_st *task) { return print_event("complete", task); }
static gearman_return_t on_exception(gearman_task_st *task) { return print_event("exception", task); }
static gearman_return_t on_fail(gearman_task_st *task) {
  printf("%s fail\n", gearman_task_unique(task));
  return GEARMAN_SUCCESS;
}
static gearman_return_t on_status(gearman_task_st *task) {
  printf("%s status %u/%u known %d running %d\n", gearman_task_unique(task), gearman_task_numerator(task),
         gearman_task_denominator(task), gearman_task_is_known(task), gearman_task_is_running(task));
  return GEARMAN_SUCCESS;
}

static int tasks(gearman_client_st *client) {
  gearman_return_t result;
  gearman_client_set_options(client, GEARMAN_CLIENT_GENERATE_UNIQUE);
  gearman_client_set_created_fn(client, on_created);
  gearman_client_set_data_fn(client, on_data);
  gearman_client_set_warning_fn(client, on_warning);
  gearman_client_set_status_fn(client, on_status);
  gearman_client_set_complete_fn(client, on_complete);
  gearman_client_set_exception_fn(client, on_exception);
  gearman_client_set_fail_fn(client, on_fail);
  gearman_client_add_task(client, NULL, NULL, "upper", "u1", "one", 3, &result);
  gearman_client_add_task_high(client, NULL, NULL, "upper", "u2", "two", 3, &result);
  gearman_client_add_task_low(client, NULL, NULL, "upper", "u3", "three", 5, &result);
  gearman_client_add_task(client, NULL, NULL, "fails", "u4", "x", 1, &result);
  gearman_client_add_task(client, NULL, NULL, "throws", "u5", "x", 1, &result);
  gearman_client_add_task_background(client, NULL, NULL, "upper", "u6", "x", 1, &result);
  result = gearman_client_run_tasks(client);
  printf("end %s\n", gearman_strerror(result));
  return 0;
}

static void print_do(const char *what, gearman_return_t result, char *value, size_t size) {
  printf("%s: %s %.*s\n", what, gearman_strerror(result), (int)size, value == NULL ? "" : value);
  free(value);
}

static int do_jobs(gearman_client_st *client) {
  gearman_return_t result;
  size_t size = 0;
  char *value = gearman_client_do(client, "upper", NULL, "hello", 5, &size, &result);
  print_do("do", result, value, size);
  value = gearman_client_do_high(client, "upper", "u", "hello", 5, &size, &result);
  print_do("do_high", result, value, size);
  value = gearman_client_do_low(client, "upper", "u", "hello", 5, &size, &result);
  print_do("do_low", result, value, size);
  value = gearman_client_do(client, "fails", NULL, "x", 1, &size, &result);
  print_do("do fails", result, value, 0);
  value = gearman_client_do(client, "throws", NULL, "x", 1, &size, &result);
  print_do("do throws", result, value, 0);
  printf("echo: %s\n", gearman_strerror(gearman_client_echo(client, "hello", 5)));
  return 0;
}

static int do_background(gearman_client_st *client, const char *function) {
  char handle[GEARMAN_JOB_HANDLE_SIZE];
  gearman_return_t result = gearman_client_do_background(client, function, "u-background", "hello", 5, handle);
  printf("%s\n%s\n", gearman_strerror(result), handle);
  return 0;
}

static int status(gearman_client_st *client, const char *handle, const char *unique) {
  bool is_known = false, is_running = false;
  uint32_t numerator = 0, denominator = 0;
  gearman_return_t result =
      gearman_client_job_status(client, handle, &is_known, &is_running, &numerator, &denominator);
  printf("handle: %s %d %d %u/%u\n", gearman_strerror(result), is_known, is_running, numerator, denominator);
  gearman_status_t by_unique = gearman_client_unique_status(client, unique, strlen(unique));
  printf("unique: %s %d %d %u/%u\n", gearman_strerror(gearman_status_return(by_unique)),
         gearman_status_is_known(by_unique), gearman_status_is_running(by_unique),
         gearman_status_numerator(by_unique), gearman_status_denominator(by_unique));
  return 0;
}

/* One job for many who ask for it, with a unique of one's own, or the one that stands for the workload. */
static int unique(gearman_client_st *client, const char *function, const char *key) {
  gearman_return_t result;
  size_t size = 0;
  char *value = gearman_client_do(client, function, key, "hello", 5, &size, &result);
  print_do("unique", result, value, size);
  return 0;
}

static int epoch(gearman_client_st *client, long seconds) {
  time_t due = time(NULL) + seconds;
  gearman_task_attr_t attributes = gearman_task_attr_init_epoch(due, GEARMAN_JOB_PRIORITY_NORMAL);
  gearman_argument_t workload = gearman_argument_make(0, 0, "later", 5);
  gearman_task_st *task = gearman_execute(client, "slow", 4, "u-epoch", 7, &attributes, &workload, NULL);
  if (task == NULL) {
    printf("epoch: %s\n", gearman_client_error(client));
    return 1;
  }
  printf("%ld\n%s\n", (long)due, gearman_task_job_handle(task));
  gearman_task_free(task);
  return 0;
}

static int partition(gearman_client_st *client, const char *text) {
  gearman_argument_t workload = gearman_argument_make(0, 0, text, strlen(text));
  gearman_task_attr_t attributes = gearman_task_attr_init(GEARMAN_JOB_PRIORITY_NORMAL);
  gearman_task_st *task = gearman_execute_by_partition(client, "split", 5, "reduce_upper", 12, NULL, 0, &attributes,
                                                       &workload, NULL);
  if (task == NULL) {
    printf("partition: %s\n", gearman_client_error(client));
    return 1;
  }
  gearman_result_st *result = gearman_task_result(task);
  printf("%s %.*s\n", gearman_strerror(gearman_task_return(task)), result == NULL ? 0 : (int)gearman_result_size(result),
         result == NULL ? "" : gearman_result_value(result));
  gearman_task_free(task);
  return 0;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3) return 2;
  const char *mode = argv[1];
  in_port_t port = (in_port_t)atoi(argv[2]);
  const char *first = argc > 3 ? argv[3] : "";
  const char *second = argc > 4 ? argv[4] : "";
  if (strcmp(mode, "worker") == 0) return work(port, (uint32_t)atoi(first), "127.0.0.1");

  gearman_client_st *client = gearman_client_create(NULL);
  gearman_client_add_server(client, "127.0.0.1", port);
  if (strcmp(second, "exceptions") == 0 || strcmp(first, "exceptions") == 0)
    printf("option: %d\n", gearman_client_set_server_option(client, "exceptions", 10));
  int code = 2;
  if (strcmp(mode, "do") == 0) code = do_jobs(client);
  if (strcmp(mode, "do_background") == 0) code = do_background(client, first);
  if (strcmp(mode, "tasks") == 0) code = tasks(client);
  if (strcmp(mode, "status") == 0) code = status(client, first, second);
  if (strcmp(mode, "unique") == 0) code = unique(client, first, second);
  if (strcmp(mode, "epoch") == 0) code = epoch(client, atol(first));
  if (strcmp(mode, "partition") == 0) code = partition(client, first);
  gearman_client_free(client);
  return code;
}
