/* Reads a proof from an owner's shared home with the owner's rights and nothing more:
 *   home-proof UID GID HOME ENTRY       (UID `-`: stay who one is)
 * prints HOME/.evergrid-proof/ENTRY if nobody but the owner can have put it there; else says why on stderr and ends
 * with 1. Every folder from / on is opened in its turn and looked at when it is open: what was looked at is what is
 * read, whoever renames meanwhile. */
#define _GNU_SOURCE
#include "nfs4-acl.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINKS 40
#define LATE_TRIES 20 /* of 100 ms each: a file server's caches show new names late */
#define MOST_BYTES 4096

static uid_t owner;

static _Noreturn __attribute__((format(printf, 1, 2))) void refuse(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  exit(1);
}

/* First as a folder: only so does the kernel mount what is mounted on demand (open(2), O_PATH). */
static int step_into(int around, const char *name, const char *shown) {
  int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, fd = openat(around, name, flags | O_DIRECTORY);
  if (fd < 0 && errno == ENOTDIR) fd = openat(around, name, flags);
  if (fd < 0) refuse("%s cannot be opened there (%s)", shown, strerror(errno));
  return fd;
}

static struct stat look(int fd, const char *shown) {
  struct stat stat;
  if (fstat(fd, &stat)) refuse("%s cannot be looked at (%s)", shown, strerror(errno));
  return stat;
}

/* What the mode does not show. POSIX lists need no look: their mask is the mode's. */
static void check_list(int fd, const char *shown) {
  unsigned char list[65536];
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t size = getxattr(path, "system.nfs4_acl", list, sizeof list);
  if (size < 0 && (errno == ENODATA || errno == EOPNOTSUPP)) return;
  if (size < 0) refuse("the access list of %s cannot be read (%s)", shown, strerror(errno));
  if (acl_lets_others_write(list, size)) refuse("%s can be written by others, as its access list says", shown);
}

/* A way to the home: whoever may write into it could lead elsewhere. A sticky folder keeps what is the owner's,
 * but in it anybody may make a folder and mount over it what says of itself to be the owner's (FUSE). True: is one. */
static bool check_way(int fd, const char *shown) {
  struct stat around = look(fd, shown), *stat = &around;
  check_list(fd, shown);
  if (stat->st_uid != 0 && stat->st_uid != owner)
    refuse("%s, on the way to the home, belongs to another account", shown);
  if ((stat->st_mode & 022) && !(stat->st_mode & S_ISVTX))
    refuse("%s, on the way to the home, can be written by others", shown);
  return stat->st_mode & 022;
}

/* The home as passwd names it, opened part by part; a link on the way is followed if the folder it lies in is good. */
static int open_home(const char *home) {
  char left[2 * PATH_MAX], next[2 * PATH_MAX], target[PATH_MAX], *rest = left;
  int links = 0, at = step_into(AT_FDCWD, "/", "/");
  if (home[0] != '/' || strlen(home) >= PATH_MAX) refuse("the home %s is no whole path", home);
  strcpy(left, home);
  for (char *part; (part = strsep(&rest, "/"));) {
    if (!*part || !strcmp(part, ".")) continue;
    if (!strcmp(part, "..")) refuse("the home %s has .. in it", home);
    bool sticky = check_way(at, home);
    int fd = step_into(at, part, home);
    struct stat stat = look(fd, home);
    if (sticky && stat.st_dev != look(at, home).st_dev)
      refuse("%s, on the way to the home, is mounted in a folder that others can write", home);
    if (!S_ISLNK(stat.st_mode)) {
      close(at);
      at = fd;
      continue;
    }
    ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
    if (length <= 0 || ++links > LINKS) refuse("a link on the way to %s cannot be followed", home);
    if (stat.st_uid != 0 && stat.st_uid != owner) refuse("a link on the way to %s belongs to another account", home);
    target[length] = 0;
    if (snprintf(next, sizeof next, "%s/%s", target, rest ? rest : "") >= (int)sizeof next)
      refuse("a link on the way to %s cannot be followed", home);
    strcpy(left, next);
    rest = left;
    close(fd);
    if (target[0] != '/') continue;
    close(at);
    at = step_into(AT_FDCWD, "/", "/");
  }
  return at;
}

static dev_t check_folder(int fd, const char *shown, mode_t forbidden, const char *rule) {
  struct stat own = look(fd, shown), *stat = &own;
  check_list(fd, shown);
  if (!S_ISDIR(stat->st_mode)) refuse("%s is no folder", shown);
  if (stat->st_uid != owner) refuse("%s belongs to another account", shown);
  if (stat->st_mode & forbidden) refuse("%s %s", shown, rule);
  return stat->st_dev;
}

static int open_late(int around, const char *name, int flags, const char *shown) {
  for (int i = 0;; i++) {
    int fd = openat(around, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) return fd;
    if (errno != ENOENT || i == LATE_TRIES) refuse("%s cannot be opened (%s)", shown, strerror(errno));
    usleep(100000);
  }
}

static void step_down(const char *uid, const char *gid) {
  owner = getuid();
  if (strcmp(uid, "-")) {
    gid_t group = atoll(gid);
    owner = atoll(uid);
    if (owner == 0 || group == 0) refuse("root is not read for");
    if (setgroups(0, NULL) || setresgid(group, group, group) || setresuid(owner, owner, owner))
      refuse("the account cannot be taken on (%s)", strerror(errno));
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int main(int count, char **argument) {
  char bytes[MOST_BYTES];
  if (count != 5 || strchr(argument[4], '/')) return 2;
  step_down(argument[1], argument[2]);
  int home = open_home(argument[3]);
  dev_t system = check_folder(home, argument[3], 022, "can be written by others: chmod go-w");
  int folder = open_late(home, ".evergrid-proof", O_RDONLY | O_DIRECTORY, "the folder .evergrid-proof in the home");
  const char *shown = "the folder .evergrid-proof in the home";
  dev_t inside = check_folder(folder, shown, 077, "is open to others; it must have mode 0700");
  int file = open_late(folder, argument[4], O_RDONLY, "the file");
  struct stat stat = look(file, "the file");
  if (!S_ISREG(stat.st_mode)) refuse("it is not a plain file");
  if (stat.st_uid != owner) refuse("the file belongs to another account");
  if (stat.st_nlink != 1) refuse("the file has a second name");
  if (stat.st_mode & 077) refuse("the file is open to others; it must have mode 0600");
  if (inside != system || stat.st_dev != system) refuse("something is mounted in the home there");
  ssize_t got = read(file, bytes, sizeof bytes);
  if (got < 0) refuse("the file cannot be read (%s)", strerror(errno));
  return fwrite(bytes, 1, got, stdout) == (size_t)got && fflush(stdout) == 0 ? 0 : 1;
}
