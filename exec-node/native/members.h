/* The processes of a run: those of its cgroup or, on a machine without, those of its descent and session.
 * The rules of process/boot.ts and process/no-cgroup.ts are the same. */
#ifndef MEMBERS_H
#define MEMBERS_H
#include "spec.h"
#include <ctype.h>
#include <dirent.h>

struct entry { pid_t pid, parent, session; bool member; };

/* Whether a process lives, its parent, session and start time (clock ticks since boot); false when it is gone. */
static inline bool process_stat(pid_t pid, bool *lives, struct entry *entry, long long *start) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  char *text = read_whole(path, NULL), *end = text ? strrchr(text, ')') : NULL;
  char mark = 0;
  int parent = 0, session = 0, threads = 0;
  long long began = 0;
  int got = end ? sscanf(end + 1, " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %*d %d %*d %lld",
                         &mark, &parent, &session, &threads, &began) : 0;
  free(text);
  /* Where only its first thread has ended it looks like a zombie, and its other threads go on. */
  if (lives) *lives = mark != 'Z' || threads > 1;
  if (entry) *entry = (struct entry){ pid, parent, session, false };
  if (start) *start = began;
  return got == 5;
}

/* Of a process that is gone its session may be left: its number is nobody else's as long as that is. */
static inline bool may_lead(pid_t pid, long long start) {
  long long now;
  return !process_stat(pid, NULL, NULL, &now) || now == start;
}

static inline bool mapped_as_we(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
  char *map = read_whole(path, NULL), *own = read_whole("/proc/self/uid_map", NULL);
  bool same = map && own && *map && strcmp(map, own) == 0;
  free(map);
  free(own);
  return same;
}

/* Proof that a process in the session `self` is of no run, so that the session is a later one: it may gain rights, as
 * nothing of a run may for good, or has another account and no user namespace in which it could have changed it. */
static inline bool is_stranger(pid_t pid, const struct spec *spec) {
  char path[64];
  unsigned uid;
  struct entry now;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  char *text = read_whole(path, NULL), *ids = text ? strstr(text, "\nUid:\t") : NULL;
  bool may_gain = text && strstr(text, "\nNoNewPrivs:\t0\n");
  bool other = spec->setid && spec->uid != 0 && ids && sscanf(ids, " Uid: %u", &uid) == 1 && uid != spec->uid;
  free(text);
  /* The number of a process that ended meanwhile may be somebody else's now. */
  return (may_gain || (other && mapped_as_we(pid))) && process_stat(pid, NULL, &now, NULL) && now.session == spec->self;
}

static inline int signal_tree(const struct spec *spec, int signal, pid_t skip) {
  pid_t root = spec->root, self = spec->self;
  bool led = false, taken = false;
  struct entry *all = NULL;
  int count = 0, found = 0;
  DIR *proc = opendir("/proc");
  for (struct dirent *at; proc && (at = readdir(proc));) {
    struct entry entry;
    bool lives;
    if (!isdigit(at->d_name[0]) || !process_stat(atoi(at->d_name), &lives, &entry, NULL) || !lives) continue;
    if (count % 256 == 0) all = realloc(all, sizeof *all * (count + 256));
    all[count++] = entry;
  }
  if (proc) closedir(proc);
  for (int i = 0; self && i < count; i++) led = led || all[i].pid == self;
  for (int i = 0; self && !led && i < count; i++)
    taken = taken || (all[i].session == self && is_stranger(all[i].pid, spec));
  /* A session is one or the other as a whole: its number is given again when nothing of it is left. */
  if (taken) self = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < count; i++) {
      bool below = (self && all[i].session == self) || (root && all[i].parent == root);
      for (int j = 0; j < count && !below; j++) below = all[j].member && all[j].pid == all[i].parent;
      if (below && !all[i].member && all[i].pid != skip) changed = all[i].member = true;
    }
  }
  for (int i = 0; i < count; i++)
    if (all[i].member && ++found) kill(all[i].pid, signal);
  free(all);
  return found;
}

/* `path` has room for MEMBERS_PATH bytes and ends with its `length`-th; what is written behind that is taken back. */
#define MEMBERS_PATH 4096
static inline int signal_folder(char *path, size_t length, int signal, pid_t skip) {
  struct stat stat_of;
  int pid, found = 0;
  if (length + 256 >= MEMBERS_PATH) return 0;
  strcpy(path + length, "/cgroup.procs");
  FILE *file = fopen(path, "re");
  while (file && fscanf(file, "%d", &pid) == 1)
    if (pid > 0 && pid != skip && ++found) kill(pid, signal);
  if (file) fclose(file);
  path[length] = 0;
  /* Who owns the folder may have made others within; the kernel counts them as links. */
  DIR *folder = stat(path, &stat_of) == 0 && stat_of.st_nlink > 2 ? opendir(path) : NULL;
  for (struct dirent *at; folder && (at = readdir(folder));) {
    if (at->d_type != DT_DIR || at->d_name[0] == '.') continue;
    path[length] = '/';
    strcpy(path + length + 1, at->d_name);
    found += signal_folder(path, length + 1 + strlen(at->d_name), signal, skip);
  }
  if (folder) closedir(folder);
  path[length] = 0;
  return found;
}

/* Sends a signal (0: none) to each member but `skip`; returns how many there are. */
static inline int signal_members(const struct spec *spec, int signal, pid_t skip) {
  if (spec->procs.count == 0)
    return spec->root || spec->self ? signal_tree(spec, signal, skip) : 0;
  char path[MEMBERS_PATH];
  const char *procs = spec->procs.items[0], *name = strrchr(procs, '/');
  if (!name || name - procs >= MEMBERS_PATH) return 0;
  memcpy(path, procs, name - procs);
  return signal_folder(path, name - procs, signal, skip);
}

/* A stopped process takes no signal but SIGKILL: whoever is told to end must also be let go on. */
static inline void ask_members(const struct spec *spec, int signal, pid_t skip) {
  signal_members(spec, signal, skip);
  apply_all(&spec->thaw);
  signal_members(spec, SIGCONT, skip);
}

static inline void kill_members(const struct spec *spec, pid_t skip) {
  if (spec->kill.count > 0) {
    apply_all(&spec->kill);
  } else {
    apply_all(&spec->freeze);
    signal_members(spec, SIGKILL, skip);
  }
  apply_all(&spec->thaw);
}
#endif
