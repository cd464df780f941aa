/* The run folder's `journal`: one line per fact, appended. Its first line, linked into place whole, is
 * the claim of the one shepherd this run has:
 *   shepherd PID START_TICKS BOOT_ID          started PID START_TICKS WALL_MS UPTIME_MS INO:OFF INO:OFF
 *   failed CALL ERRNO WALL_MS DETAIL          exit STATUS|-SIGNAL CORE WALL_MS UPTIME_MS BY RSS_KIB CPU_MS
 *   read LABEL TEXT (its newlines as `|`)     empty WALL_MS TMP_REMOVED
 * Before the command is let go stands what `started` will say, as `read told PID …`: a shepherd that is killed in
 * between leaves a run that can be found (and agents that do not know that line take it for accounting).
 * What cannot be written (disk full) waits in memory and is tried again each second. */
#ifndef JOURNAL_H
#define JOURNAL_H
#include "spec.h"
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct { int fd; char *waiting; size_t length; } journal = { -1, NULL, 0 };

static inline bool journal_flush(void) {
  while (journal.length > 0) {
    ssize_t done = write(journal.fd, journal.waiting, journal.length);
    if (done <= 0) return false;
    memmove(journal.waiting, journal.waiting + done, journal.length -= done);
  }
  return true;
}

/* Tells an agent that listens; one that does not will read the journal when it comes back. */
static inline void journal_notify(const char *key) {
  int fd = open("../../changes", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  dprintf(fd, "%s\n", key);
  close(fd);
}

__attribute__((format(printf, 1, 2))) static inline void note(const char *format, ...) {
  va_list values;
  char *line;
  va_start(values, format);
  int length = vasprintf(&line, format, values);
  va_end(values);
  if (length < 0) return;
  for (int i = 0; i < length; i++) if (line[i] == '\n') line[i] = '|';
  journal.waiting = realloc(journal.waiting, journal.length + length + 1);
  memcpy(journal.waiting + journal.length, line, length);
  journal.waiting[journal.length + length] = '\n';
  journal.length += length + 1;
  free(line);
  journal_flush();
}

static inline void note_exit(int status, const char *by, const struct rusage *usage) {
  note("exit %d %d %lld %lld %s %ld %lld", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status),
       WIFSIGNALED(status) && WCOREDUMP(status), (long long)wall_ms(), (long long)uptime_ms(), by,
       usage->ru_maxrss, (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000LL +
       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000);
}

/* A folder that has lost its name is being removed, or was set aside: nothing begins there any more. */
static inline bool has_name(const char *key) {
  struct stat here, named;
  char path[300];
  snprintf(path, sizeof path, "../../runs/%s", key);
  return stat(".", &here) == 0 && stat(path, &named) == 0 && here.st_ino == named.st_ino && here.st_dev == named.st_dev;
}

static inline bool journal_claim(const char *key, long long start, const char *boot) {
  char name[64];
  snprintf(name, sizeof name, "journal.%d", getpid());
  journal.fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (journal.fd < 0) return false;
  note("shepherd %d %lld %s", getpid(), start, boot);
  bool mine = journal.length == 0 && link(name, "journal") == 0 && has_name(key);
  unlink(name);
  return mine;
}
#endif
