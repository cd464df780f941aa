/* What the jobs of the chaos run do: `worker VERB FOLDER NAME [FLAG]`. Each leaves its evidence in FOLDER, in single
 * appending writes, so that who reads it needs to believe nobody else.
 *
 *   bot      holds NAME.lock for life and says in NAME.log when it got it, or that somebody else has it (a second
 *            copy); beats in NAME.beat. FLAG `stubborn`: ignores SIGTERM; `daemon`: a detached child shares the lock.
 *   count    appends one line to NAME.lines         fail     the same, and exits 3
 *   hang     the same, then waits for ever; FLAG `stubborn` ignores SIGTERM
 *   daemon   the same, and leaves a detached child behind
 *   eat      the same, then takes memory until it is stopped
 *   chatter  the same, then prints MiB after MiB for some seconds
 *   tally    the same, then adds one to the counter in NAME.count, under its lock: one line `VALUE TASK` for each
 *            addition, the value before and one. Only if its task has not been counted; FLAG `plain`: in any case;
 *            `flaky`: the first run of each task exits 7, of every other one before it counts, or else after.
 *            Its task's byte of NAME.lock is locked meanwhile: NAME.log tells of a second copy, as for a bot
 *   due      the same, then appends the due time it was given, and its run, to NAME.due */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static const char *folder, *name;

static long long uptime_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int opened(const char *ending, int flags) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
  int file = open(path, flags | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    perror(path);
    exit(4);
  }
  return file;
}

/* A line that cannot be written whole (a full disk) is an error of the job, told by its exit status. */
static void append(const char *ending, const char *line) {
  int file = opened(ending, O_WRONLY | O_APPEND);
  if (write(file, line, strlen(line)) != (ssize_t)strlen(line)) exit(4);
  close(file);
}

static const char *run(void) {
  const char *key = getenv("EVERGRID_RUN");
  return key ? key : "-";
}

static void detach(void) {
  setsid();
  signal(SIGHUP, SIG_IGN);
}

static void second_copy(void) {
  char line[256];
  snprintf(line, sizeof line, "double %s %d %lld\n", run(), getpid(), uptime_ms());
  append("log", line);
  exit(1);
}

static void bot(const char *flag) {
  char line[512], before[128] = "";
  int lock = opened("lock", O_RDWR);
  if (flock(lock, LOCK_EX | LOCK_NB)) second_copy();
  int beat = opened("beat", O_RDWR);
  if (pread(beat, before, sizeof before - 1, 0) <= 0) strcpy(before, "- 0 0");
  before[strcspn(before, "\n")] = 0;
  snprintf(line, sizeof line, "start %s %d %lld %s\n", run(), getpid(), uptime_ms(), before);
  append("log", line);
  if (strcmp(flag, "stubborn") == 0) signal(SIGTERM, SIG_IGN);
  if (strcmp(flag, "daemon") == 0 && fork() == 0) {
    detach();
    for (;;) pause();
  }
  for (;; usleep(100000)) {
    int length = snprintf(line, sizeof line, "%s %d %-20lld\n", run(), getpid(), uptime_ms());
    if (pwrite(beat, line, length, 0) != length) continue; /* a full disk ends no bot */
  }
}

static void eat(void) {
  for (;; usleep(2000)) {
    char *part = malloc(1 << 20);
    if (part) memset(part, 1, 1 << 20);
  }
}

static void chatter(void) {
  static char text[1 << 16];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\n';
  for (int nth = 0; nth < 400; nth++, usleep(20000))
    if (write(1, text, sizeof text) < 0) continue;
}

/* What a careful owner would write: the lock of the counter itself, and an addition that is one write, so that a kill at
 * any moment leaves it done or not done. It takes a while on both sides, for faults to come between. */
static void tally(int plain, int flaky) {
  static char text[1 << 16];
  char line[64];
  const char *task = getenv("TASK_ID"), *restarted = getenv("RESTARTED");
  int total = 0, counted = 0, value, index, me = task ? atoi(task) : 0;
  struct flock own = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = me, .l_len = 1};
  if (fcntl(opened("lock", O_RDWR), F_SETLK, &own)) second_copy();
  usleep(500000);
  int fails = flaky && restarted && *restarted == '0';
  if (fails && me % 2) exit(7);
  int file = opened("count", O_RDWR | O_APPEND);
  while (flock(file, LOCK_EX))
    if (errno != EINTR) exit(4);
  ssize_t length = pread(file, text, sizeof text - 1, 0);
  if (length < 0) exit(4);
  text[length] = 0;
  for (char *at = text; *at; at = strchr(at, '\n') + 1) {
    if (sscanf(at, "%d %d", &value, &index) != 2 || !strchr(at, '\n')) exit(5);
    total = value;
    counted |= index == me;
  }
  if (plain || !counted) {
    snprintf(line, sizeof line, "%d %d\n", total + 1, me);
    if (write(file, line, strlen(line)) != (ssize_t)strlen(line)) exit(4);
  }
  close(file);
  usleep(500000);
  if (fails) exit(7);
}

static void due(void) {
  char line[256];
  const char *at = getenv("EVERGRID_DUE_AT");
  snprintf(line, sizeof line, "%s %s\n", at ? at : "-", run());
  append("due", line);
}

int main(int count, char **argument) {
  if (count < 4) return 2;
  const char *verb = argument[1], *flag = count > 4 ? argument[4] : "";
  char line[256];
  folder = argument[2];
  name = argument[3];
  if (strcmp(verb, "bot") == 0) bot(flag);
  snprintf(line, sizeof line, "%s %d %lld\n", run(), getpid(), uptime_ms());
  append("lines", line);
  if (strcmp(verb, "fail") == 0) return 3;
  if (strcmp(flag, "stubborn") == 0) signal(SIGTERM, SIG_IGN);
  if (strcmp(verb, "hang") == 0) for (;;) pause();
  if (strcmp(verb, "eat") == 0) eat();
  if (strcmp(verb, "chatter") == 0) chatter();
  if (strcmp(verb, "tally") == 0) tally(strcmp(flag, "plain") == 0, strcmp(flag, "flaky") == 0);
  if (strcmp(verb, "due") == 0) due();
  if (strcmp(verb, "daemon") == 0 && fork() == 0) {
    detach();
    for (;;) pause();
  }
  return 0;
}
