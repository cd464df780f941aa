// reaper PROGRAM ARG…: runs it as the leader of a session, takes in what is left without a parent below, and reaps each
// at once, which the first process of a container need not do. Ends when nothing is left.
#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return 2;
  if (fork() == 0) {
    setsid();
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  while (wait(NULL) > 0 || errno == EINTR) {
  }
  return 0;
}
