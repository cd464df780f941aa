/* The warning before the time limit. */
#ifndef WARN_H
#define WARN_H
#include "spec.h"
#include <dirent.h>

/* True where the process catches the signal, or holds it back to wait for it. */
static inline bool hears(pid_t pid, int signal) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  char *text = read_whole(path, NULL);
  unsigned long long heard = 0, mask;
  char *blocked = text ? strstr(text, "\nSigBlk:") : NULL, *caught = text ? strstr(text, "\nSigCgt:") : NULL;
  if (blocked && sscanf(blocked + 8, " %llx", &mask) == 1) heard |= mask;
  if (caught && sscanf(caught + 8, " %llx", &mask) == 1) heard |= mask;
  free(text);
  return signal > 0 && heard >> (signal - 1) & 1;
}

/* A warning ends nothing: it goes to the whole group where its leader hears it, else to those that do. */
static inline void warn_group(pid_t leader, int signal) {
  if (hears(leader, signal)) {
    kill(-leader, signal);
    return;
  }
  DIR *proc = opendir("/proc");
  for (struct dirent *at; proc && (at = readdir(proc));) {
    pid_t pid = atoi(at->d_name);
    if (pid > 0 && getpgid(pid) == leader && hears(pid, signal)) kill(pid, signal);
  }
  if (proc) closedir(proc);
}
#endif
