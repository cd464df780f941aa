/* The run folder's `stop`, as the agent wrote it (`SIGNAL KILL_AT_UPTIME_MS`), and the signals that tell
 * a shepherd to look: SIGUSR1 for a stop, SIGCHLD for an end. */
#ifndef STOP_H
#define STOP_H
#include "spec.h"
#include <sys/signalfd.h>

static inline bool read_stop(long long *signal, long long *deadline) {
  char *text = read_whole("stop", NULL);
  bool known = text && sscanf(text, "%lld %lld", signal, deadline) == 2;
  free(text);
  return known;
}

static inline int open_signals(void) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  signal(SIGCHLD, SIG_DFL);
  return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}
#endif
