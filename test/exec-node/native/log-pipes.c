/* The logger of a run on a machine that has no process left for it, at the run's end: which pids were killed. */
#include "../../../exec-node/native/spec.h"
#define fork() (-1)
#define kill(pid, signal) printf("killed %d\n", (int)(pid))
#include "../../../exec-node/native/log-pipes.h"

int main(void) {
  struct spec spec = { .logger = "/dev/null" };
  if (!open_pipes(&spec) || write(pipes[0][1], "unread", 6) != 6) return 1;
  start_logger(&spec);
  if (drained(&spec, 1000)) return 2;
  printf("%s\n", drained(&spec, 60000) ? "over" : "waits");
  return 0;
}
