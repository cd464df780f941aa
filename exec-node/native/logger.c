/* Drains a continuous job's stdout and stderr into its owner's files: capped, rotated, never blocking
 * the job. `logger OUT ERR MAX_BYTES KEEP` with the pipes as descriptors 0 and 1; runs as the owner in
 * the run's cgroup, ends when both pipes have ended, and may be killed and started again at any time.
 * The live file keeps its name; NAME.1 is the newest older part. */
#include "spec.h"
#include <poll.h>
#include <sys/prctl.h>

struct stream {
  const char *path;
  int file;
  bool rotates; /* what is no file has no older parts, and /dev/null must keep its name */
  off_t size;
  long long dropped;
};
static long long max_bytes, keep;

static void open_live(struct stream *stream) {
  struct stat stat;
  stream->file = open(stream->path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0666);
  stream->rotates = stream->file >= 0 && fstat(stream->file, &stat) == 0 && S_ISREG(stat.st_mode);
  stream->size = stream->rotates ? stat.st_size : 0;
}

static void rotate(struct stream *stream) {
  char from[4200], to[4200];
  for (long long i = keep; i > 0; i--) {
    snprintf(to, sizeof to, "%s.%lld", stream->path, i);
    snprintf(from, sizeof from, i > 1 ? "%s.%lld" : "%s", stream->path, i - 1);
    rename(from, to);
  }
  if (keep <= 0) unlink(stream->path);
  close(stream->file);
  open_live(stream);
}

/* False when the bytes could not be written whole. */
static bool put(struct stream *stream, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t done = stream->file < 0 ? -1 : write(stream->file, bytes, length);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      stream->dropped += length;
      return false;
    }
    stream->size += done;
    bytes += done;
    length -= done;
  }
  return true;
}

static void mark_dropped(struct stream *stream) {
  char marker[80];
  long long dropped = stream->dropped;
  int length = snprintf(marker, sizeof marker, "\n[evergrid: %lld bytes dropped]\n", dropped);
  if (stream->file < 0 || write(stream->file, marker, length) <= 0) return;
  stream->size += length;
  stream->dropped -= dropped;
}

/* An owner may move or delete the live file: what comes next belongs under the name again. */
static void follow_name(struct stream *stream) {
  struct stat named, held;
  if (stream->file >= 0 && stat(stream->path, &named) == 0 && fstat(stream->file, &held) == 0 &&
      named.st_ino == held.st_ino && named.st_dev == held.st_dev) return;
  if (stream->file >= 0) close(stream->file);
  open_live(stream);
}

static void take(struct stream *stream, const char *bytes, size_t length) {
  follow_name(stream);
  if (stream->rotates && max_bytes > 0 && stream->size > 0 && stream->size + (off_t)length > max_bytes) rotate(stream);
  if (stream->dropped > 0) mark_dropped(stream);
  put(stream, bytes, length);
}

int main(int count, char **argument) {
  static char bytes[65536];
  if (count != 5) return 2;
  struct stream streams[2] = { { .path = argument[1], .file = -1 }, { .path = argument[2], .file = -1 } };
  bool same = strcmp(argument[1], argument[2]) == 0;
  struct pollfd polled[2] = { { .fd = 0, .events = POLLIN }, { .fd = 1, .events = POLLIN } };
  max_bytes = atoll(argument[3]);
  keep = atoll(argument[4]);
  int asked[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGQUIT };
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) signal(asked[i], SIG_IGN);
  open_live(&streams[0]);
  if (!same) open_live(&streams[1]);
  prctl(PR_SET_NAME, "logger"); /* says to the shepherd that descriptors 3 and 4 are the files */
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) return 1;
    for (int i = 0; i < 2; i++) {
      if (polled[i].fd < 0 || !polled[i].revents) continue;
      ssize_t got = read(polled[i].fd, bytes, sizeof bytes);
      if (got > 0) take(&streams[same ? 0 : i], bytes, got);
      else if (got == 0) polled[i].fd = -1;
    }
  }
  return 0;
}
