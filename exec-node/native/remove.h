/* Removes a folder of an owner's, as the owner: whatever it left in there, never following a link and never
 * into another mount, in bounded depth of descriptors and stack. */
#ifndef REMOVE_H
#define REMOVE_H
#include "spec.h"
#include <dirent.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#define DEEPEST 64

/* The folder itself, made readable; held before its mode is changed, so that nothing put in its place is. */
static inline int open_folder(int at, const char *name) {
  struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };
  char held[40];
  int handle = syscall(SYS_openat2, at, name, &how, sizeof how);
  if (handle < 0) return -1;
  snprintf(held, sizeof held, "/proc/self/fd/%d", handle);
  chmod(held, 0700);
  int folder = openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  close(handle);
  return folder;
}

static inline bool move_up(int at, const char *name, int top) {
  static int count;
  char fresh[40];
  for (int tries = 0; tries < 1000; tries++) {
    snprintf(fresh, sizeof fresh, ".deep-%d", count++);
    if (renameat(at, name, top, fresh) == 0) return true;
    if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) return false;
  }
  return false;
}

/* Closes `folder`. True when something that lay too deep was moved up to `top`, and is to be removed there. */
static inline bool empty_folder(int top, int folder, int depth) {
  bool moved = false;
  DIR *stream = fdopendir(folder);
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    if (unlinkat(folder, name, 0) == 0 || (errno != EISDIR && errno != EPERM)) continue;
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0) continue;
    int inner = open_folder(folder, name);
    if (inner < 0) continue;
    if (depth == DEEPEST) {
      close(inner);
      moved |= move_up(folder, name, top);
      continue;
    }
    moved |= empty_folder(top, inner, depth + 1);
    unlinkat(folder, name, AT_REMOVEDIR);
  }
  if (stream) closedir(stream);
  else close(folder);
  return moved;
}

/* True when nothing has that name any more; `path` is absolute. */
static inline bool remove_tree(const char *path) {
  char parent[4096];
  const char *name = strrchr(path, '/');
  if (!name || snprintf(parent, sizeof parent, "%.*s/", (int)(name - path), path) >= (int)sizeof parent) return false;
  int at = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  name++;
  if (at < 0) return errno == ENOENT;
  unlinkat(at, name, 0);
  int top = open_folder(at, name);
  if (top >= 0) {
    while (empty_folder(top, openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0)) continue;
    close(top);
    if (unlinkat(at, name, AT_REMOVEDIR) == 0) return close(at), true;
  }
  struct stat stat;
  bool gone = fstatat(at, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
  close(at);
  return gone;
}
#endif
