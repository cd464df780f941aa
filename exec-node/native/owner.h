/* The step down from the agent's rights to the owner's; nothing of the owner is touched before it. */
#ifndef OWNER_H
#define OWNER_H
#include "spec.h"
#include <grp.h>
#include <sys/prctl.h>

static inline bool become(bool setid, uid_t uid, gid_t gid, const gid_t *groups, size_t count) {
  if (setid && (setgroups(count, groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)))
    return false;
  return (setid || getuid() == uid) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static inline bool become_owner(const struct spec *spec) {
  gid_t groups[4096];
  int count = 0;
  for (; count < spec->groups.count && count < 4096; count++) groups[count] = atoll(spec->groups.items[count]);
  return become(spec->setid, spec->uid, spec->gid, groups, count);
}

static inline bool join_cgroup(const struct spec *spec) {
  for (int i = 0; i < spec->procs.count; i++) {
    int fd = open(spec->procs.items[i], O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, "0", 1) == 1;
    if (fd >= 0) close(fd);
    if (!done) return false;
  }
  return true;
}

static inline void reset_signals(void) {
  sigset_t none;
  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}
#endif
