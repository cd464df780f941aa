/* The node's fence: `fence NODE_DIR AGENT_PID`. Past the lease's deadlines it ends every single-copy run
 * known from the run folders, again and again until the lease is renewed, whatever agent and shepherds
 * do. It outlives the agent for as long as such a run may live; `fence.lock` lets only one be. */
#include "lease.h"
#include "members.h"
#include "owner.h"
#include <sys/file.h>

static bool same_process(pid_t pid, long long start) {
  long long now;
  return process_stat(pid, NULL, NULL, &now) && now == start;
}

/* Shepherd of the run and session of its command, where the processes of these numbers are not others by now. */
static void find_roots(const char *folder, struct spec *spec) {
  char path[4096], boot[64];
  int pid;
  long long start;
  snprintf(path, sizeof path, "%s/journal", folder);
  char *text = read_whole(path, NULL), *line = NULL;
  bool over = text && strstr(text, "\nempty ");
  if (text && !over && !(line = strstr(text, "\nread told "))) line = strstr(text, "\nstarted ");
  if (text && sscanf(text, "shepherd %d %lld %63s", &pid, &start, boot) == 3 && same_process(pid, start)) spec->root = pid;
  if (line && (sscanf(line, " read told %d %lld", &pid, &start) == 2 || sscanf(line, " started %d %lld", &pid, &start) == 2) &&
      may_lead(pid, start)) spec->self = pid;
  free(text);
}

static void free_spec(struct spec *spec) {
  struct list *lists[] = { &spec->groups, &spec->make, &spec->set, &spec->try, &spec->procs, &spec->freeze,
                           &spec->thaw, &spec->kill, &spec->read, &spec->arg, &spec->env, &spec->file };
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) free(lists[i]->items);
}

/* Number of single-copy runs that live; asks or kills each when told to. */
static int each_run(bool ask, bool end) {
  DIR *runs = opendir("runs");
  int alive = 0;
  for (struct dirent *at; runs && (at = readdir(runs));) {
    char folder[512], path[600];
    struct spec spec;
    if (at->d_name[0] == '.') continue;
    snprintf(folder, sizeof folder, "runs/%s", at->d_name);
    snprintf(path, sizeof path, "%s/spec", folder);
    bool known = read_spec(path, &spec);
    if (known && is_single(&spec, folder) && spec.boot && strcmp(spec.boot, boot_id()) == 0) {
      find_roots(folder, &spec);
      bool lives = signal_members(&spec, 0, 0) > 0;
      alive += lives || spec.root;
      if (lives && ask) ask_members(&spec, SIGTERM, 0);
      if (lives && end) kill_members(&spec, 0);
    }
    free_spec(&spec);
    free(spec.text);
  }
  if (runs) closedir(runs);
  return alive;
}

static bool only_one(void) {
  int lock = open("fence.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB)) return false;
  int file = open("fence.pid.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  dprintf(file, "%d\n", getpid());
  close(file);
  return rename("fence.pid.new", "fence.pid") == 0;
}

int main(int count, char **argument) {
  struct lease lease = lease_endless;
  bool asked = false;
  if (count != 3 || chdir(argument[1]) || !only_one()) return 1;
  int agent = atoi(argument[2]);
  long long agent_start = 0, start = 0;
  process_stat(agent, NULL, NULL, &agent_start);
  setsid();
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  for (int64_t ticks = 0;; ticks++) {
    read_lease("lease", &lease);
    int64_t now = uptime_ms();
    bool past = now >= lease.term_at, over = now >= lease.kill_at;
    if (past) each_run(!asked, over);
    asked = past;
    bool watched = process_stat(agent, NULL, NULL, &start) && start == agent_start;
    if (!watched && ticks % 5 == 0 && each_run(false, false) == 0) return 0;
    usleep(1000000);
  }
}
