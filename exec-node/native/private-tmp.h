/* A /tmp of its own for a run: its TMPDIR, bound over /tmp in a mount namespace that ends with the run. Before the step
 * down to the owner `part_from_machine` leaves a helper behind that has kept the right to mount; after it, when the
 * owner's own files are open, `hide_tmp` has it done. What the machine mounts later is seen, what is mounted here stays
 * here (mount_namespaces(7)). */
#ifndef PRIVATE_TMP_H
#define PRIVATE_TMP_H
#include "spec.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static pid_t mounter;
static int ask_mounter = -1;

static inline bool own_mounts(void) {
  return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0;
}

/* By a descriptor: a name could be another folder's by now. */
static inline bool bind_tmp(const struct spec *spec) {
  struct stat stat;
  char held[40];
  int folder = open(spec->tmp, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0 || fstat(folder, &stat)) return false;
  errno = EACCES;
  snprintf(held, sizeof held, "/proc/self/fd/%d", folder);
  return stat.st_uid == spec->uid && mount(held, "/tmp", NULL, MS_BIND, NULL) == 0;
}

static inline bool part_from_machine(const struct spec *spec) {
  int ends[2];
  char asked;
  if (!own_mounts() || pipe2(ends, O_CLOEXEC)) return false;
  mounter = fork();
  if (mounter == 0) {
    /* Nothing of the shepherd's: that the command has died is seen by its end of the channel, and must be at once. */
    dup2(ends[0], 0);
    close_range(1, ~0U, 0);
    if (read(0, &asked, 1) != 1) _exit(ECANCELED);
    _exit(bind_tmp(spec) ? 0 : errno);
  }
  close(ends[0]);
  ask_mounter = ends[1];
  return mounter > 0;
}

static inline bool hide_tmp(void) {
  int status = 0;
  if (write(ask_mounter, "", 1) != 1) return false;
  while (waitpid(mounter, &status, 0) < 0)
    if (errno != EINTR) return false;
  close(ask_mounter);
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECANCELED;
  return errno == 0;
}
#endif
