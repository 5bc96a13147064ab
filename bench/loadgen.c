// HTTP/1.1 load on a loopback port: one thread, epoll, keep-alive. Prints one JSON object.
//
//   loadgen -p PORT -f REQUEST_FILE [-c CONNECTIONS] [-d SECONDS] [-w WARM_UP_SECONDS] [-r RATE] [-n REQUESTS] [-k STAMPS]
//
// Without -r, a closed loop: a connection sends again as soon as it has its answer. With -r, an open loop at a constant
// rate, where latency counts from the moment at which the request was due, not from when a connection came free.
// The file holds one raw request, sent as it is. -n ends after so many requests (SECONDS is then the limit).
// Bodies are searched for "@T" and 16 digits, the mock model's time of sending; with -k an answer must have exactly
// that many. Anything but a whole answer with status 200 and its stamps is a failure, in the warm-up too.
// At the end nothing new starts and what is under way may finish, so no answer is cut off by us.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 512, MAX_HEAD = 16383, MAX_FAILURES = 1000, STAMP_DIGITS = 16, EXCERPT = 300 };
#define NS_PER_S 1000000000ull
#define DRAIN_NS (20 * NS_PER_S)

enum State { IDLE, HEAD, SIZED_BODY, BODY_TO_CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER };
enum Verdict { GOES_ON, COMPLETE, GARBLED };
typedef struct { uint32_t *values; size_t count, room; } Samples;  // tenths of a microsecond
typedef struct {
  int fd, connecting, status, must_close;
  enum State state;
  uint64_t due;   // when the request ought to have been sent
  size_t sent;    // bytes of the request that the kernel has taken
  uint64_t left;  // bytes left of a sized body or a chunk
  char head[MAX_HEAD + 1]; size_t head_len;
  char line[32]; size_t line_len;  // of chunked framing
  int stamp_at;                    // 0: before '@', 1: before 'T', then 2 + digits read
  uint64_t stamp;
  long stamps;  // seen in this answer
} Conn;

static struct {
  int port, connections;
  double seconds, warm_up, rate;
  long requests, stamps;
  char *bytes; size_t len;
} asked = {.connections = 16, .seconds = 3, .warm_up = 0.5};
static struct {
  uint64_t answered, in_window, chunks_in_window, refused, broken, incomplete, connects;
  int first_status;
  char excerpt[EXCERPT + 1];  // of the first body that did not come with 200
  Samples latency, first_chunk, chunk_delay;
} seen;
static Conn *conns, **idle;
static int idle_count, poller;
static long started;
static uint64_t begin, window_from, window_to, next_due, period, ended;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}
static void die(const char *what) { perror(what); exit(2); }
static void add(Samples *s, uint64_t ns) {
  if (s->count == s->room) {
    s->room = s->room ? s->room * 2 : 65536;
    if (!(s->values = realloc(s->values, s->room * sizeof *s->values))) die("realloc");
  }
  uint64_t tenths = ns / 100;
  s->values[s->count++] = tenths > UINT32_MAX ? UINT32_MAX : (uint32_t)tenths;
}
static int in_window(uint64_t now) { return now >= window_from && now <= window_to; }
static uint64_t failures(void) { return seen.refused + seen.broken + seen.incomplete; }

// ---- connections
static void watch(Conn *c, int operation, int also_writable) {
  struct epoll_event e = {.events = EPOLLIN | (also_writable ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poller, operation, c->fd, &e);
}
static void connect_to_target(Conn *c) {
  int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)asked.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) die("socket");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  connect(c->fd, (void *)&address, sizeof address);  // a refusal shows in the first event
  c->connecting = 1;
  seen.connects++;
  watch(c, EPOLL_CTL_ADD, 1);
}
static void disconnect(Conn *c) {
  close(c->fd);
  c->fd = -1;
  c->connecting = 0;
}
static void push(Conn *c) {  // an error shows in the next read
  while (c->sent < asked.len) {
    ssize_t n = send(c->fd, asked.bytes + c->sent, asked.len - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) watch(c, EPOLL_CTL_MOD, 1);
      return;
    }
    c->sent += (size_t)n;
  }
}
static void start(Conn *c, uint64_t due) {
  c->due = due;
  c->state = HEAD;
  c->status = c->must_close = c->stamp_at = 0;
  c->head_len = c->sent = 0;
  c->stamps = 0;
  started++;
  if (c->fd < 0) connect_to_target(c);
  else push(c);
}
static void send_what_is_due(uint64_t now) {
  while (idle_count && failures() < MAX_FAILURES) {
    if (asked.rate > 0) {
      if (next_due > now || next_due >= window_to) return;
      start(idle[--idle_count], next_due);
      next_due += period;
    } else {
      if (now >= window_to || (asked.requests && started >= asked.requests)) return;
      start(idle[--idle_count], now);
    }
  }
}
static void finish(Conn *c, int whole, uint64_t now) {
  if (!whole) seen.broken++;
  else if (c->status != 200) {
    seen.refused++;
    if (!seen.first_status) seen.first_status = c->status;
  } else if (asked.stamps && c->stamps != asked.stamps) seen.incomplete++;
  else {
    seen.answered++;
    seen.in_window += (uint64_t)in_window(now);
    if (c->due >= window_from) add(&seen.latency, now - c->due);
  }
  c->state = IDLE;
  if (!whole || c->must_close) disconnect(c);
  idle[idle_count++] = c;
  send_what_is_due(now_ns());
}

// ---- bodies
static void keep_excerpt(const char *bytes, size_t len) {
  for (size_t i = 0; i < len && i < EXCERPT; i++) {
    int plain = bytes[i] >= ' ' && bytes[i] < 127 && bytes[i] != '"' && bytes[i] != '\\';
    seen.excerpt[i] = plain ? bytes[i] : ' ';
  }
}
static void take_stamp(Conn *c, uint64_t now) {
  c->stamps++;
  seen.chunks_in_window += (uint64_t)in_window(now);
  if (c->due < window_from) return;
  if (c->stamps == 1) add(&seen.first_chunk, now - c->due);
  if (c->stamp) add(&seen.chunk_delay, now > c->stamp * 1000 ? now - c->stamp * 1000 : 0);
}
static void search(Conn *c, const char *bytes, size_t len, uint64_t now) {
  if (c->status != 200 && !seen.excerpt[0]) keep_excerpt(bytes, len);
  for (size_t i = 0; i < len;) {
    if (!c->stamp_at) {
      const char *at = memchr(bytes + i, '@', len - i);
      if (!at) return;
      i = (size_t)(at - bytes) + 1;
      c->stamp_at = 1;
      continue;
    }
    char ch = bytes[i++];
    if (c->stamp_at == 1) {
      c->stamp_at = ch == 'T' ? 2 : 0;
      c->stamp = 0;
    } else if (ch < '0' || ch > '9') c->stamp_at = 0;
    else {
      c->stamp = c->stamp * 10 + (uint64_t)(ch - '0');
      if (++c->stamp_at == 2 + STAMP_DIGITS) { c->stamp_at = 0; take_stamp(c, now); }
    }
  }
}

// ---- framing: each function takes what it can of p[0..n), says how much that was, and may end the answer
static const char *header(const char *head, const char *name) {
  for (const char *p = strstr(head, "\r\n"); p; p = strstr(p + 2, "\r\n")) {
    if (strncasecmp(p + 2, name, strlen(name))) continue;
    for (p += 2 + strlen(name); *p == ' ';) p++;
    return p;
  }
  return NULL;
}
static enum Verdict read_head(Conn *c) {
  const char *value = header(c->head, "connection:");
  c->status = c->head_len > 12 ? atoi(c->head + 9) : 0;
  if (c->status == 100) { c->head_len = 0; return GOES_ON; }
  if (value && !strncasecmp(value, "close", 5)) c->must_close = 1;
  c->line_len = 0;
  if (header(c->head, "transfer-encoding:")) c->state = CHUNK_SIZE;
  else if ((value = header(c->head, "content-length:"))) {
    c->left = strtoull(value, NULL, 10);
    c->state = SIZED_BODY;
    return c->left ? GOES_ON : COMPLETE;
  } else if (c->status == 204) return COMPLETE;
  else c->state = BODY_TO_CLOSE, c->must_close = 1;
  return GOES_ON;
}
static size_t take_head(Conn *c, const char *p, size_t n, enum Verdict *verdict) {
  size_t before = c->head_len, room = MAX_HEAD - before, taken = n < room ? n : room;
  memcpy(c->head + before, p, taken);
  c->head[c->head_len += taken] = 0;
  char *end = strstr(c->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
  if (!end) {
    if (c->head_len == MAX_HEAD) *verdict = GARBLED;
    return taken;
  }
  size_t used = (size_t)(end + 4 - c->head) - before;
  end[2] = 0;
  *verdict = read_head(c);
  return used;
}
static size_t take_bytes(Conn *c, const char *p, size_t n, uint64_t now, enum Verdict *verdict) {
  size_t taken = n < c->left ? n : (size_t)c->left;
  search(c, p, taken, now);
  if (c->left -= taken) return taken;
  if (c->state == CHUNK_DATA) c->state = CHUNK_END;
  else *verdict = COMPLETE;
  return taken;
}
static size_t take_framing(Conn *c, char ch, enum Verdict *verdict) {
  if (ch != '\n') {
    if (ch != '\r' && c->line_len < sizeof c->line - 1) c->line[c->line_len++] = ch;
    return 1;
  }
  c->line[c->line_len] = 0;
  if (c->state == CHUNK_SIZE) {
    c->left = strtoull(c->line, NULL, 16);
    c->state = c->left ? CHUNK_DATA : TRAILER;
  } else if (c->state == CHUNK_END) c->state = CHUNK_SIZE;
  else if (!c->line_len) *verdict = COMPLETE;
  c->line_len = 0;
  return 1;
}
static enum Verdict feed(Conn *c, const char *p, size_t n, uint64_t now) {
  enum Verdict verdict = GOES_ON;
  while (n && verdict == GOES_ON) {
    size_t taken = n;
    switch (c->state) {
      case IDLE: return GARBLED;  // bytes that nobody asked for
      case HEAD: taken = take_head(c, p, n, &verdict); break;
      case SIZED_BODY: case CHUNK_DATA: taken = take_bytes(c, p, n, now, &verdict); break;
      case BODY_TO_CLOSE: search(c, p, n, now); break;
      case CHUNK_SIZE: case CHUNK_END: case TRAILER: taken = take_framing(c, *p, &verdict); break;
    }
    p += taken; n -= taken;
  }
  return verdict;
}

// ---- the loop
static void receive(Conn *c) {
  static char bytes[262144];
  ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
  if (n < 0 && errno == EAGAIN) return;
  uint64_t now = now_ns();
  enum Verdict verdict = n > 0 ? feed(c, bytes, (size_t)n, now) : GARBLED;
  if (c->state != IDLE && verdict != GOES_ON) finish(c, verdict == COMPLETE || (n == 0 && c->state == BODY_TO_CLOSE), now);
  else if (verdict == GARBLED) disconnect(c);  // it was idle: the target may close then, the next request reconnects
}
static void react(Conn *c, uint32_t events) {
  if (c->fd < 0) return;
  if (c->connecting) {
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error || events & (EPOLLERR | EPOLLHUP)) { finish(c, 0, now_ns()); return; }
    if (!(events & EPOLLOUT)) return;
    c->connecting = 0;
  }
  if (events & EPOLLOUT) { watch(c, EPOLL_CTL_MOD, 0); push(c); }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
}
static int is_over(uint64_t now) {
  int busy = asked.connections - idle_count;
  uint64_t unsent = asked.rate > 0 && next_due < window_to ? (window_to - next_due + period - 1) / period : 0;
  if (failures() >= MAX_FAILURES) return 1;
  if (now >= window_to + DRAIN_NS) { seen.broken += (uint64_t)busy + unsent; return 1; }
  return !busy && !unsent && (now >= window_to || (asked.requests && started >= asked.requests));
}
static void run(void) {
  struct epoll_event events[MAX_EVENTS];
  uint64_t now;
  while (send_what_is_due(now = now_ns()), !is_over(now)) {
    uint64_t wait = NS_PER_S / 10;
    int more = asked.rate > 0 && idle_count && next_due < window_to;
    if (more && next_due < now + wait) wait = next_due > now ? next_due - now : 0;
    struct timespec limit = {0, (long)wait};
    int n = epoll_pwait2(poller, events, MAX_EVENTS, &limit, NULL);
    for (int i = 0; i < n; i++) react(events[i].data.ptr, events[i].events);
  }
  ended = now;
}

// ---- options and the report
static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}
static double at(const Samples *s, double share) { return s->values[(size_t)((double)(s->count - 1) * share)] / 10.0; }
static void print_samples(const char *name, Samples *s) {
  if (!s->count) { printf("\"%s\":null,", name); return; }
  qsort(s->values, s->count, sizeof *s->values, ascending);
  printf("\"%s\":{\"count\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},", name, s->count, at(s, .5), at(s, .9), at(s, .99), at(s, 1));
}
static void print_report(void) {
  double seconds = asked.requests ? (double)(ended - begin) / 1e9 : asked.seconds;
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  printf("{\"answered\":%lu,\"refused\":%lu,\"broken\":%lu,\"incomplete\":%lu,\"first_status\":%d,\"excerpt\":\"%s\",\"connects\":%lu,",
         seen.answered, seen.refused, seen.broken, seen.incomplete, seen.first_status, seen.excerpt, seen.connects);
  printf("\"requests_per_s\":%.2f,\"chunks_per_s\":%.1f,", (double)(asked.requests ? seen.answered : seen.in_window) / seconds,
         (double)seen.chunks_in_window / seconds);
  print_samples("latency_us", &seen.latency);
  print_samples("first_chunk_us", &seen.first_chunk);
  print_samples("chunk_delay_us", &seen.chunk_delay);
  printf("\"cpu_s\":%.4f}\n", (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}
static void read_request(const char *path) {
  FILE *file = path ? fopen(path, "rb") : NULL;
  if (!file) die("request file");
  fseek(file, 0, SEEK_END);
  asked.len = (size_t)ftell(file);
  rewind(file);
  if (!(asked.bytes = malloc(asked.len + 1)) || fread(asked.bytes, 1, asked.len, file) != asked.len) die(path);
  fclose(file);
}
static void read_options(int count, char **args) {
  const char *path = NULL;
  for (int option; (option = getopt(count, args, "p:f:c:d:w:r:n:k:")) > 0;) switch (option) {
    case 'p': asked.port = atoi(optarg); break;
    case 'f': path = optarg; break;
    case 'c': asked.connections = atoi(optarg); break;
    case 'd': asked.seconds = atof(optarg); break;
    case 'w': asked.warm_up = atof(optarg); break;
    case 'r': asked.rate = atof(optarg); break;
    case 'n': asked.requests = atol(optarg); break;
    case 'k': asked.stamps = atol(optarg); break;
    default: exit(2);
  }
  if (asked.port < 1 || asked.connections < 1 || asked.seconds <= 0) { fputs("loadgen: -p PORT -f REQUEST_FILE are needed\n", stderr); exit(2); }
  read_request(path);
}
int main(int count, char **args) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // never outlive the bench
  signal(SIGPIPE, SIG_IGN);
  read_options(count, args);
  poller = epoll_create1(0);
  conns = calloc((size_t)asked.connections, sizeof *conns);
  idle = calloc((size_t)asked.connections, sizeof(Conn *));
  if (!conns || !idle) die("calloc");
  for (int i = 0; i < asked.connections; i++) { conns[i].fd = -1; idle[idle_count++] = &conns[i]; }
  begin = next_due = now_ns();
  window_from = begin + (uint64_t)(asked.warm_up * 1e9);
  window_to = window_from + (uint64_t)(asked.seconds * 1e9);
  period = asked.rate > 0 ? (uint64_t)(1e9 / asked.rate) : 1;
  run();
  print_report();
  return 0;
}
