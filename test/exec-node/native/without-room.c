/* A shepherd whose disk has no room for the line that it writes before it lets its command go, until there is a file `room` in the run folder. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

static inline ssize_t write_with_room(int fd, const void *data, size_t size) {
  if (strncmp(data, "read told ", 10) == 0 && access("room", F_OK) != 0) return errno = ENOSPC, -1;
  return write(fd, data, size);
}
#define write write_with_room
#include "../../../exec-node/native/shepherd.c"
