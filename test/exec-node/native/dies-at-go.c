/* A shepherd that is killed right after it let its command go, before it can note that it started. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>

static inline ssize_t send_and_die(int channel, const void *data, size_t size, int flags) {
  ssize_t sent = send(channel, data, size, flags);
  if (size == sizeof(int64_t)) raise(SIGKILL);
  return sent;
}
#define send send_and_die
#include "../../../exec-node/native/shepherd.c"
