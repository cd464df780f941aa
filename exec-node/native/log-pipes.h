/* A continuous job's output: two pipes that the shepherd keeps open, and the logger that drains them. */
#ifndef LOG_PIPES_H
#define LOG_PIPES_H
#include "child.h"
#include <sys/ioctl.h>

static pid_t logger;
static int logger_program = -1;
static int64_t logger_at, draining_at;
static int pipes[2][2] = { { -1, -1 }, { -1, -1 } };

static inline bool open_pipes(const struct spec *spec) {
  if (!spec->logger) return true;
  logger_program = open(spec->logger, O_RDONLY | O_CLOEXEC);
  return pipe2(pipes[0], O_CLOEXEC) == 0 && pipe2(pipes[1], O_CLOEXEC) == 0;
}

static inline void start_logger(const struct spec *spec) {
  logger_at = uptime_ms();
  pid_t forked = fork();
  if (forked != 0) {
    logger = forked > 0 ? forked : 0; /* tried again later; -1 would mean everybody to kill() */
    return;
  }
  char cap[32], keep[32];
  snprintf(cap, sizeof cap, "%lld", spec->cap);
  snprintf(keep, sizeof keep, "%lld", spec->keepfiles);
  enter_as_owner(spec, -1);
  if (chdir(spec->cwd)) _exit(1);
  dup2(pipes[0][0], 0);
  dup2(pipes[1][0], 1);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  fexecve(logger_program, (char *[]){ "logger", spec->out, spec->err, cap, keep, NULL }, (char *[]){ NULL });
  _exit(1);
}

/* True once all that the run wrote is in its files, or five seconds were not enough. */
static inline bool drained(const struct spec *spec, int64_t now) {
  if (!spec->logger) return true;
  int left[2] = { 0, 0 };
  for (int i = 0; i < 2; i++) {
    if (pipes[i][1] >= 0) close(pipes[i][1]);
    pipes[i][1] = -1;
    ioctl(pipes[i][0], FIONREAD, &left[i]);
  }
  if (!draining_at) draining_at = now;
  if (logger && now > draining_at + 5000) kill(logger, SIGKILL);
  if (!logger && left[0] + left[1] > 0 && now < draining_at + 5000 && now > logger_at + 200) start_logger(spec);
  return !logger && (left[0] + left[1] == 0 || now >= draining_at + 5000);
}
#endif
