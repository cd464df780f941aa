/* What happens between fork and exec of a run's command, told to the shepherd over a socket. */
#ifndef CHILD_H
#define CHILD_H
#include "lease.h"
#include "owner.h"
#include "private-tmp.h"
#include <dirent.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/socket.h>

struct message {
  bool failed;
  int error;
  char call[24], detail[512];
  struct { uint64_t inode; int64_t offset; } mark[2];
};

static inline _Noreturn void give_up(int channel, const char *call, const char *detail) {
  struct message message = { .failed = true, .error = errno };
  snprintf(message.call, sizeof message.call, "%s", call);
  snprintf(message.detail, sizeof message.detail, "%s", detail);
  send(channel, &message, sizeof message, MSG_NOSIGNAL);
  _exit(127);
}

/* Without O_NONBLOCK a FIFO with no reader would hold the start up for ever. */
static inline int open_plain(int channel, const char *path, int flags) {
  int fd = open(path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0666);
  if (fd < 0) give_up(channel, "open", path);
  fcntl(fd, F_SETFL, flags & O_APPEND);
  return fd;
}

static inline int open_output(int channel, const char *path, struct message *message, int index) {
  int fd = open_plain(channel, path, O_WRONLY | O_APPEND | O_CREAT);
  struct stat stat;
  if (fstat(fd, &stat) == 0) {
    message->mark[index].inode = inode_of(&stat);
    message->mark[index].offset = S_ISREG(stat.st_mode) ? stat.st_size : 0;
  }
  return fd;
}

/* Without a cgroup the account's own count of threads is the only bound that the kernel keeps. */
static inline void bound_processes(const struct spec *spec) {
  rlim_t count = spec->pids;
  DIR *proc = opendir("/proc");
  for (struct dirent *at; proc && (at = readdir(proc));) {
    struct stat stat;
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/task", at->d_name);
    if (at->d_name[0] < '1' || at->d_name[0] > '9' || lstat(path, &stat)) continue;
    if (stat.st_uid == spec->uid) count += stat.st_nlink - 2;
  }
  if (proc) closedir(proc);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NPROC, &limit) || count >= limit.rlim_cur) return;
  limit.rlim_cur = limit.rlim_max = count;
  setrlimit(RLIMIT_NPROC, &limit);
}

static inline void set_limits(const struct spec *spec) {
  struct rlimit limit;
  if (spec->files <= 0 || getrlimit(RLIMIT_NOFILE, &limit)) return;
  rlim_t wanted = spec->files;
  if (geteuid() == 0 || wanted < limit.rlim_max) limit.rlim_max = wanted;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static inline void enter_as_owner(const struct spec *spec, int channel) {
  if (!join_cgroup(spec)) give_up(channel, "cgroup.procs", spec->procs.items[0]);
  apply("/proc/self/oom_score_adj=0");
  set_limits(spec);
  umask(spec->umask);
  if (spec->procs.count == 0 && spec->pids > 0) bound_processes(spec);
  if (!become_owner(spec)) give_up(channel, "setuid", "the owner's account");
  reset_signals();
}

static inline void make_cgroup(const struct spec *spec, int channel) {
  for (int i = 0; i < spec->make.count; i++)
    if (mkdir(spec->make.items[i], 0755) && errno != EEXIST) give_up(channel, "mkdir", spec->make.items[i]);
  for (int i = 0; i < spec->set.count; i++)
    if (!apply(spec->set.items[i])) give_up(channel, "cgroup", spec->set.items[i]);
  apply_all(&spec->try); /* last: memory + swap may not be less than memory */
}

static inline void write_file(const char *file, int channel) {
  const char *text = strchr(file, '=');
  char path[4096];
  if (!text || text - file >= (long)sizeof path) errno = ENAMETOOLONG, give_up(channel, "open", "a file of the run");
  memcpy(path, file, text - file);
  path[text++ - file] = 0;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
  if (fd < 0) give_up(channel, "open", path);
  for (size_t left = strlen(text); left > 0;) {
    ssize_t done = write(fd, text, left);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) give_up(channel, "write", path);
    text += done;
    left -= done;
  }
  close(fd);
}

/* `pipes` are the write ends towards the logger, or -1 where output goes straight to the files. */
static inline _Noreturn void start_command(const struct spec *spec, int channel, const int pipes[2]) {
  struct message message = { 0 };
  setsid();
  if (spec->privatetmp && !part_from_machine(spec)) give_up(channel, "unshare", "a /tmp of its own");
  enter_as_owner(spec, channel);
  if (spec->tmp && mkdir(spec->tmp, 0700)) give_up(channel, "mkdir", spec->tmp);
  for (int i = 0; i < spec->file.count; i++) write_file(spec->file.items[i], channel);
  if (chdir(spec->cwd)) give_up(channel, "chdir", spec->cwd);
  int in = open_plain(channel, spec->in ? spec->in : "/dev/null", O_RDONLY);
  int out = open_output(channel, spec->out, &message, 0);
  int err = open_output(channel, spec->err, &message, 1);
  if (spec->privatetmp && !hide_tmp()) give_up(channel, "mount", spec->tmp);
  dup2(in, 0);
  dup2(pipes[0] < 0 ? out : pipes[0], 1);
  dup2(pipes[1] < 0 ? err : pipes[1], 2);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  environ = spec->env.items ? spec->env.items : (char *[]){ NULL };
  int64_t deadline; /* the lease's: asked last of all, and judged by the clock right before exec */
  send(channel, &message, sizeof message, MSG_NOSIGNAL);
  if (recv(channel, &deadline, sizeof deadline, 0) != sizeof deadline) _exit(127);
  if (uptime_ms() >= deadline) errno = EKEYEXPIRED, give_up(channel, "lease", "");
  execvp(spec->arg.items[0], spec->arg.items);
  give_up(channel, "execve", spec->arg.items[0]);
}
#endif
