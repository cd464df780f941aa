/* automount FOLDER PROGRAM ARGV...: runs the program in a mount namespace in which FOLDER is mounted on demand, as autofs
 * mounts homes: whoever first goes in there finds a tmpfs of uid UID (from the environment) with a proof `c` in it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/auto_fs4.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(77);
}

static void fill(const char *folder, uid_t uid) {
  char path[4096];
  if (mount("none", folder, "tmpfs", 0, "mode=755") || chown(folder, uid, uid)) fail("tmpfs");
  snprintf(path, sizeof path, "%s/.evergrid-proof", folder);
  if (mkdir(path, 0700) || chown(path, uid, uid)) fail(path);
  snprintf(path, sizeof path, "%s/.evergrid-proof/c", folder);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file < 0 || fchown(file, uid, uid) || write(file, "text", 4) != 4) fail(path);
  close(file);
}

int main(int count, char **argument) {
  union autofs_v5_packet_union packet;
  int asked[2], status = 0;
  char options[200];
  const char *folder = argument[1];
  if (count < 3 || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) fail("unshare");
  setpgid(0, 0);
  if (pipe(asked)) fail("pipe");
  snprintf(options, sizeof options, "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", asked[1], getpgrp());
  if (mount("test", folder, "autofs", 0, options)) fail("autofs");
  int control = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  pid_t program = fork();
  if (program == 0) {
    setpgid(0, 0); /* its own group: only then does it wait for the mount */
    close(asked[0]);
    close(asked[1]);
    execv(argument[2], argument + 2);
    _exit(126);
  }
  pid_t mounter = fork();
  if (mounter == 0) {
    if (read(asked[0], &packet, sizeof packet) <= 0) _exit(0);
    fill(folder, atoi(getenv("OWNER")));
    ioctl(control, AUTOFS_IOC_READY, packet.v5_packet.wait_queue_token);
    _exit(0);
  }
  waitpid(program, &status, 0);
  kill(mounter, 9);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
