// The mock model: one thread, epoll, canned answers, loopback only.
//
//   upstream PORT          (0: the kernel chooses; the port is printed as the first line)
//
// POST …/chat/completions, …/completions   OpenAI's two formats; events when the body has "stream":true
// POST …/messages                          Anthropic's format, likewise
// GET  /__pace?chunks=&cadence_us=         sets how many tokens a stream has, and the time between them
// GET  /__counts                           what was seen since the start
//
// Every streamed token is "@T" and 16 digits: CLOCK_MONOTONIC in microseconds at the moment of send(). A client on the
// same machine reads from it how long the path took, even after the chunk was translated. In whole answers the digits
// are zeros: there the mark only proves that the model's text arrived.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
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

enum { MAX_FD = 65536, MAX_EVENTS = 512, MAX_REQUEST = 64 << 20, READ_AT_ONCE = 16384, STAMP_DIGITS = 16 };
enum { CHAT, COMPLETIONS, MESSAGES, DIALECTS };

typedef struct { char bytes[4096]; size_t len; } Text;
typedef struct {
  const char *path;
  Text whole, open, token, end;
  size_t stamp_at;  // offset of the digits inside `token`
  uint64_t requests;
} Dialect;
typedef struct {
  int fd, streaming;
  unsigned generation;  // tells a connection from an older one with the same descriptor
  Dialect *dialect;
  uint64_t tokens_sent;
  char *in; size_t in_len, in_room;
  char *out; size_t out_len, out_room, out_sent;
} Conn;
typedef struct { uint64_t due; int fd; unsigned generation; } Timer;

// A fragment of this length and content fits a real completion; it stands in JSON, hence the double escapes.
static const char *const CODE =
    "name = \\\"@T0000000000000000\\\"\\n        size = self.area()\\n        if size > 1_000_000:\\n"
    "            return f\\\"{name}: {size / 1_000_000:.2f} square kilometres\\\"\\n"
    "        return f\\\"{name}: {size:.2f} square metres\\\"\\n";
static Dialect dialects[DIALECTS] = {{.path = "/chat/completions"},
                                     {.path = "/completions"},
                                     {.path = "/messages"}};
static Conn *conns[MAX_FD];
static Timer *timers; static size_t timer_count, timer_room;
static int poller;
static uint64_t chunks = 200, cadence_us = 5000, chunks_sent, connections, aborted;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static void *grown(void *old, size_t bytes) {
  void *new = realloc(old, bytes);
  if (!new) { perror("realloc"); exit(1); }
  return new;
}

// ---- timers: a binary heap, the earliest on top
static void set_timer(Timer timer) {
  if (timer_count == timer_room) timers = grown(timers, (timer_room = timer_room ? timer_room * 2 : 1024) * sizeof *timers);
  size_t i = timer_count++;
  for (; i && timers[(i - 1) / 2].due > timer.due; i = (i - 1) / 2) timers[i] = timers[(i - 1) / 2];
  timers[i] = timer;
}
static Timer next_timer(void) {
  Timer first = timers[0], last = timers[--timer_count];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < timer_count; i = child) {
    if (child + 1 < timer_count && timers[child + 1].due < timers[child].due) child++;
    if (timers[child].due >= last.due) break;
    timers[i] = timers[child];
  }
  timers[i] = last;
  return first;
}

// ---- canned answers
static void append(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(Text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text->bytes + text->len, sizeof text->bytes - text->len, format, args);
  va_end(args);
  if (n < 0 || (text->len += (size_t)n) >= sizeof text->bytes) { fputs("a canned answer is too long\n", stderr); exit(1); }
}
static void append_chunk(Text *text, const char *event) { append(text, "%zx\r\n%s\r\n", strlen(event), event); }
static void append_answer(Text *text, const char *json) {
  append(text, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_0123456789abcdef\r\ncontent-length: %zu\r\n\r\n%s",
         strlen(json), json);
}
static void write_chat(Dialect *d) {
  char json[2048];
  snprintf(json, sizeof json,
           "{\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion\",\"created\":1735689600,\"model\":\"bench\",\"choices\":[{\"index\":0,"
           "\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
           "\"usage\":{\"prompt_tokens\":640,\"completion_tokens\":64,\"total_tokens\":704}}", CODE);
  append_answer(&d->whole, json);
#define EVENT(choices) \
  "data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1735689600,\"model\":\"bench\"," \
  "\"system_fingerprint\":\"fp_0123456789\",\"choices\":[" choices "]}\n\n"
#define CHOICE(delta, reason) "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":" reason "}"
  append_chunk(&d->open, EVENT(CHOICE("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null")));
  append_chunk(&d->token, EVENT(CHOICE("\"content\":\" @T0000000000000000\"", "null")));
  append_chunk(&d->end, EVENT(CHOICE("", "\"stop\"")));
  append_chunk(&d->end, "data: [DONE]\n\n");
}
static void write_completions(Dialect *d) {
  char json[2048];
  snprintf(json, sizeof json,
           "{\"id\":\"cmpl-0123456789\",\"object\":\"text_completion\",\"created\":1735689600,\"model\":\"bench\",\"choices\":[{\"text\":\"%s\","
           "\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}],"
           "\"usage\":{\"prompt_tokens\":640,\"completion_tokens\":64,\"total_tokens\":704}}", CODE);
  append_answer(&d->whole, json);
#define TEXT_EVENT(text, reason) \
  "data: {\"id\":\"cmpl-0123456789\",\"object\":\"text_completion\",\"created\":1735689600,\"model\":\"bench\"," \
  "\"choices\":[{\"text\":\"" text "\",\"index\":0,\"logprobs\":null,\"finish_reason\":" reason "}]}\n\n"
  append_chunk(&d->token, TEXT_EVENT(" @T0000000000000000", "null"));
  append_chunk(&d->end, TEXT_EVENT("", "\"stop\""));
  append_chunk(&d->end, "data: [DONE]\n\n");
}
static void write_messages(Dialect *d) {
  char json[2048];
#define MESSAGE_HEAD "\"id\":\"msg_0123456789\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\""
#define MESSAGE_USAGE(out) \
  "\"usage\":{\"input_tokens\":640,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":" out "}"
  snprintf(json, sizeof json,
           "{" MESSAGE_HEAD ",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
           MESSAGE_USAGE("64") "}", CODE);
  append_answer(&d->whole, json);
#define NAMED(name, rest) "event: " name "\ndata: {\"type\":\"" name "\"" rest "}\n\n"
  append_chunk(&d->open, NAMED("message_start", ",\"message\":{" MESSAGE_HEAD ",\"content\":[],\"stop_reason\":null,"
                                                "\"stop_sequence\":null," MESSAGE_USAGE("1") "}"));
  append_chunk(&d->open, NAMED("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"));
  append_chunk(&d->open, NAMED("ping", ""));
  append_chunk(&d->token, NAMED("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" @T0000000000000000\"}"));
  append_chunk(&d->end, NAMED("content_block_stop", ",\"index\":0"));
  append_chunk(&d->end, NAMED("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                                               "\"usage\":{\"output_tokens\":200}"));
  append_chunk(&d->end, NAMED("message_stop", ""));
}
static void write_answers(void) {
  for (int i = 0; i < DIALECTS; i++)
    append(&dialects[i].open, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
                              "x-request-id: req_0123456789abcdef\r\ntransfer-encoding: chunked\r\n\r\n");
  write_chat(&dialects[CHAT]);
  write_completions(&dialects[COMPLETIONS]);
  write_messages(&dialects[MESSAGES]);
  for (int i = 0; i < DIALECTS; i++) {
    dialects[i].stamp_at = (size_t)(strstr(dialects[i].token.bytes, "@T") + 2 - dialects[i].token.bytes);
    append(&dialects[i].end, "0\r\n\r\n");
  }
}

// ---- sockets
static void hang_up(Conn *c) {
  if (c->streaming) aborted++;
  conns[c->fd] = NULL;
  close(c->fd);
  free(c->in); free(c->out); free(c);
}
static void watch(Conn *c, int operation, int also_writable) {
  struct epoll_event e = {.events = EPOLLIN | (also_writable ? EPOLLOUT : 0), .data.fd = c->fd};
  epoll_ctl(poller, operation, c->fd, &e);
}
// The functions below return 0, or -1 when the peer is gone.
static int push_pending(Conn *c) {
  while (c->out_sent < c->out_len) {
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    c->out_sent += (size_t)n;
  }
  c->out_sent = c->out_len = 0;
  watch(c, EPOLL_CTL_MOD, 0);
  return 0;
}
static int push(Conn *c, const char *bytes, size_t len) {
  if (!c->out_len) {
    ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return -1;
    size_t gone = n > 0 ? (size_t)n : 0;
    if (gone == len) return 0;
    bytes += gone; len -= gone;
  }
  if (c->out_len + len > c->out_room) c->out = grown(c->out, c->out_room = (c->out_len + len) * 2);
  memcpy(c->out + c->out_len, bytes, len);
  c->out_len += len;
  watch(c, EPOLL_CTL_MOD, 1);
  return 0;
}

// ---- streams
static int push_token(Conn *c) {
  Dialect *d = c->dialect;
  char bytes[2 * sizeof d->token.bytes];
  size_t len = 0;
  if (!c->tokens_sent) { memcpy(bytes, d->open.bytes, d->open.len); len = d->open.len; }
  memcpy(bytes + len, d->token.bytes, d->token.len);
  char *digit = bytes + len + d->stamp_at + STAMP_DIGITS;
  len += d->token.len;
  uint64_t us = now_ns() / 1000;
  for (int i = 0; i < STAMP_DIGITS; i++, us /= 10) *--digit = (char)('0' + us % 10);
  c->tokens_sent++; chunks_sent++;
  return push(c, bytes, len);
}
static int advance_stream(Conn *c, uint64_t due) {
  if (push_token(c) < 0) return -1;
  if (c->tokens_sent < chunks) {
    set_timer((Timer){due + cadence_us * 1000, c->fd, c->generation});
    return 0;
  }
  c->streaming = 0;
  return push(c, c->dialect->end.bytes, c->dialect->end.len);
}

// ---- requests
static size_t chunked_end(const char *in, size_t len, size_t at) {  // offset behind the last chunk, 0: more is needed
  for (;;) {
    const char *line = at < len ? memchr(in + at, '\n', len - at) : NULL;
    if (!line) return 0;
    size_t size = strtoul(in + at, NULL, 16);
    at = (size_t)(line - in) + 1 + size + 2;
    if (size > MAX_REQUEST || at > len) return 0;
    if (!size) return at;
  }
}
static size_t request_end(const char *in, size_t len, size_t *body_at) {  // 0: more is needed
  const char *blank = memmem(in, len, "\r\n\r\n", 4);
  if (!blank) return 0;
  *body_at = (size_t)(blank - in) + 4;
  for (const char *line = in; line < blank;) {
    if (!strncasecmp(line, "content-length:", 15)) {
      size_t end = *body_at + strtoul(line + 15, NULL, 10);
      return end <= len ? end : 0;
    }
    if (!strncasecmp(line, "transfer-encoding:", 18)) return chunked_end(in, len, *body_at);
    const char *newline = memchr(line, '\n', (size_t)(blank + 2 - line));
    line = newline ? newline + 1 : blank;
  }
  return *body_at;
}
static uint64_t query_number(const char *query, const char *name, uint64_t otherwise) {
  const char *found = strstr(query, name);
  return found ? strtoull(found + strlen(name), NULL, 10) : otherwise;
}
static int answer_control(Conn *c, const char *target) {
  char json[1024];
  Text text = {.len = 0};
  if (!strncmp(target, "/__pace", 7)) {
    chunks = query_number(target, "chunks=", chunks);
    cadence_us = query_number(target, "cadence_us=", cadence_us);
    if (!chunks) chunks = 1;
  }
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  uint64_t requests = 0;
  for (int i = 0; i < DIALECTS; i++) requests += dialects[i].requests;
  snprintf(json, sizeof json, "{\"requests\":%lu,\"chunks\":%lu,\"connections\":%lu,\"aborted\":%lu,\"cpu_s\":%.6f}",
           requests, chunks_sent, connections, aborted, (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
  append_answer(&text, json);
  return push(c, text.bytes, text.len);
}
static int wants_stream(const char *body, size_t len) {
  const char *p = memmem(body, len, "\"stream\"", 8);
  if (!p) return 0;
  for (p += 8; p < body + len && (*p == ' ' || *p == ':'); p++) {}
  return p < body + len && *p == 't';
}
static int answer(Conn *c, size_t body_at, size_t end) {
  char target[512] = "";
  sscanf(c->in, "%*15s %511s", target);
  Dialect *d = NULL;
  for (int i = 0; i < DIALECTS && !d; i++)
    if (strstr(target, dialects[i].path)) d = &dialects[i];
  if (!d) return answer_control(c, target);
  d->requests++;
  c->dialect = d;
  if (!wants_stream(c->in + body_at, end - body_at)) return push(c, d->whole.bytes, d->whole.len);
  c->streaming = 1;
  c->tokens_sent = 0;
  return advance_stream(c, now_ns());
}
static int answer_buffered(Conn *c) {  // one at a time: the next waits until a stream has ended
  size_t end, body_at;
  while (!c->streaming && c->in_len && (end = request_end(c->in, c->in_len, &body_at))) {
    if (answer(c, body_at, end) < 0) return -1;
    memmove(c->in, c->in + end, c->in_len - end);
    c->in_len -= end;
    c->in[c->in_len] = 0;
  }
  return 0;
}
static int read_all(Conn *c) {
  for (;;) {
    if (c->in_room - c->in_len <= READ_AT_ONCE) c->in = grown(c->in, c->in_room = c->in_room * 2 + 2 * READ_AT_ONCE);
    size_t room = c->in_room - c->in_len - 1;
    ssize_t n = recv(c->fd, c->in + c->in_len, room, 0);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    if (n == 0 || c->in_len > MAX_REQUEST) return -1;
    c->in_len += (size_t)n;
    c->in[c->in_len] = 0;
    if ((size_t)n < room) return 0;
  }
}

// ---- the loop
static void accept_all(int listener) {
  static unsigned generation;
  int yes = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    if (fd >= MAX_FD) { close(fd); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    Conn *c = memset(grown(NULL, sizeof *c), 0, sizeof *c);
    c->fd = fd; c->generation = ++generation;
    conns[fd] = c; connections++;
    watch(c, EPOLL_CTL_ADD, 0);
  }
}
static void serve(const struct epoll_event *event) {
  Conn *c = conns[event->data.fd];
  if (!c) return;
  int gone = 0;
  if (event->events & EPOLLOUT) gone = push_pending(c);
  if (!gone && event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) gone = read_all(c) || answer_buffered(c);
  if (gone) hang_up(c);
}
static void run_timers(void) {  // one step for each that is due, then the sockets have their turn
  uint64_t now = now_ns();
  for (size_t budget = timer_count; budget && timer_count && timers[0].due <= now; budget--) {
    Timer timer = next_timer();
    Conn *c = conns[timer.fd];
    if (!c || c->generation != timer.generation || !c->streaming) continue;
    if (c->out_len) { set_timer((Timer){now + 200000, timer.fd, timer.generation}); continue; }
    // More than 5 ms late (the machine was busy): take up the pace again from here instead of catching up in a burst.
    if (advance_stream(c, timer.due + 5000000 < now ? now : timer.due) || answer_buffered(c)) hang_up(c);
  }
}
static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (void *)&address, len) || listen(listener, 4096) || getsockname(listener, (void *)&address, &len)) {
    perror("upstream");
    exit(1);
  }
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}
int main(int count, char **args) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // never outlive the bench
  signal(SIGPIPE, SIG_IGN);
  write_answers();
  int listener = listen_on(count > 1 ? atoi(args[1]) : 0);
  poller = epoll_create1(0);
  struct epoll_event listening = {.events = EPOLLIN, .data.fd = listener}, events[MAX_EVENTS];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
  for (;;) {
    uint64_t now = now_ns(), wait = timer_count && timers[0].due > now ? timers[0].due - now : 0;
    struct timespec limit = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
    int n = epoll_pwait2(poller, events, MAX_EVENTS, timer_count ? &limit : NULL, NULL);
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == listener) accept_all(listener);
      else serve(&events[i]);
    }
    run_timers();
  }
}
