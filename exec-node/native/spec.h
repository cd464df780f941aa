/* One run's spec as the agent wrote it: `<run folder>/spec`, mode 0600, a sequence of NUL-terminated
 * `name=value` fields in any order. Text fields stand once, list fields repeat, numbers are decimal.
 * A setting is `PATH=VALUE`: write VALUE into the file PATH. See `fields` below for all names. */
#ifndef SPEC_H
#define SPEC_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct list {
  char **items; /* ends with NULL, as execv wants it */
  int count;
};

struct spec {
  char *key, *boot, *cwd, *in, *out, *err, *tmp, *logger, *oom;
  long long setid, uid, gid, umask, files, pids, single, limit, warn, warnsig, stopsig, grace, cap, keepfiles;
  long long privatetmp; /* TMPDIR is /tmp to the run */
  struct list groups;  /* supplementary group ids */
  struct list make;    /* cgroup folders to make, parents first */
  struct list set;     /* settings that must succeed before the start */
  struct list try;     /* settings that a machine may lack */
  struct list procs;   /* cgroup.procs files the run joins; the first one tells its members */
  struct list freeze, thaw, kill; /* settings; without `kill` the members are killed one by one */
  struct list read;    /* `LABEL=PATH`: accounting files to copy into the journal at the end */
  struct list arg, env;
  struct list file;    /* `PATH=TEXT`: files to write as the owner before the start */
  char *text; /* where all of the above points into */
  /* Without cgroups: the run is what descends from `root`, and the session that `self` leads or led. */
  pid_t root, self;
};

enum kind { TEXT, NUMBER, LIST };
#define FIELD(name, kind) { #name "=", offsetof(struct spec, name), kind }
static const struct { const char *name; size_t offset; enum kind kind; } fields[] = {
  FIELD(key, TEXT), FIELD(boot, TEXT), FIELD(cwd, TEXT), FIELD(in, TEXT), FIELD(out, TEXT),
  FIELD(err, TEXT), FIELD(tmp, TEXT), FIELD(logger, TEXT), FIELD(oom, TEXT),
  FIELD(setid, NUMBER), FIELD(uid, NUMBER), FIELD(gid, NUMBER), FIELD(umask, NUMBER),
  FIELD(files, NUMBER), FIELD(pids, NUMBER), FIELD(single, NUMBER), FIELD(limit, NUMBER), FIELD(warn, NUMBER),
  FIELD(warnsig, NUMBER), FIELD(stopsig, NUMBER), FIELD(grace, NUMBER), FIELD(cap, NUMBER),
  FIELD(keepfiles, NUMBER), FIELD(privatetmp, NUMBER), FIELD(groups, LIST), FIELD(make, LIST), FIELD(set, LIST),
  FIELD(try, LIST), FIELD(procs, LIST), FIELD(freeze, LIST), FIELD(thaw, LIST), FIELD(kill, LIST),
  FIELD(read, LIST), FIELD(arg, LIST), FIELD(env, LIST), FIELD(file, LIST),
};


static inline int64_t wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The whole file with a NUL after it, or NULL. */
static inline char *read_whole(const char *path, size_t *length) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NULL;
  size_t used = 0, room = 4096;
  char *text = malloc(room);
  for (;;) {
    ssize_t got = read(fd, text + used, room - used - 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += got;
    if (room - used < 2) text = realloc(text, room *= 2);
  }
  close(fd);
  text[used] = 0;
  if (length) *length = used;
  return text;
}

/* Leases and deadlines are counted by the agent, in /proc/uptime; a container's need not be CLOCK_BOOTTIME. */
static inline int64_t uptime_ms(void) {
  char *text = read_whole("/proc/uptime", NULL);
  long long seconds, hundredths;
  bool known = text && sscanf(text, "%lld.%2lld", &seconds, &hundredths) == 2;
  free(text);
  if (known) return seconds * 1000 + hundredths * 10;
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The agent counts in doubles, which hold 53 bits; some network and stacked file systems use all 64. */
static inline uint64_t inode_of(const struct stat *stat) {
  return stat->st_ino & ((UINT64_C(1) << 53) - 1);
}

static inline void list_add(struct list *list, char *item) {
  if ((list->count & (list->count - 1)) == 0)
    list->items = realloc(list->items, sizeof(char *) * (list->count * 2 + 2));
  list->items[list->count++] = item;
  list->items[list->count] = NULL;
}

static inline void read_field(struct spec *spec, char *text) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    size_t length = strlen(fields[i].name);
    if (strncmp(text, fields[i].name, length) != 0) continue;
    void *at = (char *)spec + fields[i].offset;
    char *value = text + length;
    if (fields[i].kind == TEXT) *(char **)at = value;
    else if (fields[i].kind == NUMBER) *(long long *)at = atoll(value);
    else list_add(at, value);
    return;
  }
}

static inline bool read_spec(const char *path, struct spec *spec) {
  size_t length;
  char *text = read_whole(path, &length);
  memset(spec, 0, sizeof *spec);
  spec->text = text;
  if (!text) return false;
  for (char *at = text; at < text + length; at += strlen(at) + 1) read_field(spec, at);
  return spec->key && spec->arg.count > 0;
}

/* Writes VALUE of `PATH=VALUE`; true when the kernel took it. */
static inline bool apply(const char *setting) {
  const char *value = strchr(setting, '=');
  char path[4096];
  if (!value || value - setting >= (long)sizeof path) return false;
  memcpy(path, setting, value - setting);
  path[value++ - setting] = 0;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = write(fd, value, strlen(value)) >= 0;
  int error = errno;
  close(fd);
  errno = error;
  return done;
}

static inline void apply_all(const struct list *settings) {
  for (int i = 0; i < settings->count; i++) apply(settings->items[i]);
}
#endif
