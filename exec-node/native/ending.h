/* What is left to do when no process of the run is: its TMPDIR, its accounts, its cgroup. */
#ifndef ENDING_H
#define ENDING_H
#include "journal.h"
#include "log-pipes.h"
#include "owner.h"
#include "remove.h"

static pid_t cleaner;
static bool tmp_removed;
static int64_t cleaning_at;

/* The shepherd's own process beside the run, which no signal to its members is meant for. */
static inline pid_t helper(void) {
  return logger ? logger : cleaner > 0 ? cleaner : 0;
}

/* A process of its own: it acts as the owner, and a file system that hangs holds up nothing else. What
 * not even SIGKILL ends is left behind: it is none of the run's, and the agent tries again later. */
static inline bool tidied(const struct spec *spec, int64_t now) {
  if (!cleaning_at) {
    cleaning_at = now;
    cleaner = spec->tmp ? fork() : -1;
    if (cleaner == 0) {
      _exit(!become_owner(spec) || !remove_tree(spec->tmp));
    }
  }
  if (cleaner > 0 && now > cleaning_at + 10000) kill(cleaner, SIGKILL);
  return cleaner <= 0 || now > cleaning_at + 11000;
}

/* An owner to whom the subtree is delegated may have made folders within. */
static inline bool remove_cgroup(const char *path) {
  if (rmdir(path) == 0 || errno != EBUSY) return true;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    char inner[4096];
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner) remove_cgroup(inner);
  }
  if (folder) closedir(folder);
  return rmdir(path) == 0 || errno != EBUSY;
}

/* False while the kernel still holds the cgroup for a process that it has yet to bury. */
static inline bool closed(const struct spec *spec) {
  static bool told;
  for (int i = 0; i < spec->read.count && !told; i++) {
    char *label = spec->read.items[i], *path = strchr(label, '='), *text = path ? read_whole(path + 1, NULL) : NULL;
    if (text) note("read %.*s %s", (int)(path - label), label, text);
    free(text);
  }
  told = true;
  for (int i = spec->make.count - 1; i >= 0; i--)
    if (!remove_cgroup(spec->make.items[i])) return apply_all(&spec->kill), false;
  note("empty %lld %d", (long long)wall_ms(), !spec->tmp || tmp_removed);
  return true;
}
#endif
