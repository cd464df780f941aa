/* Parent of one run, outliving the agent. `shepherd` reads run folders from stdin, NUL-terminated, and
 * forks one shepherd for each until the agent goes; each reads `spec` there, starts the command, keeps
 * `journal`, obeys `stop` (`SIGNAL KILL_AT_UPTIME_MS`, reread on SIGUSR1 and each second), enforces the
 * time limit and, for a single-copy run, the lease in `../../lease`; it goes when the run is empty. */
#include "log-pipes.h"
#include "ending.h"
#include "last-output.h"
#include "members.h"
#include "stop.h"
#include "warn.h"
#include <poll.h>
#include <sys/wait.h>

#define NEVER INT64_MAX
static struct spec spec;
static struct lease lease = { 0, 0 };
static pid_t main_pid;
static long long main_start;
static struct message ready; /* what the child said when it was `prepared` */
static bool prepared, told_to_go, started, failed, ended, warned, timed_out, fenced, oom, swept, childless;
static const char *by = "none"; /* which ladder ends the run */
static int64_t began_at, kill_at = NEVER, kill_pause_ms;
static int signals, channel = -1;

static void end_run(const char *why, int signal, int64_t deadline) {
  if (!ended && strcmp(by, "none") == 0) by = why;
  if (deadline < kill_at) kill_at = deadline;
  if (signal) ask_members(&spec, signal, helper());
}

static void refuse(const char *call, int error) {
  if (!failed) note("failed %s %d %lld", call, error, (long long)wall_ms());
  failed = true;
  close(channel);
  channel = -1;
  if (main_pid > 0) return;
  main_pid = 0; /* -1 would mean everybody to kill() */
  ended = true;
}

static void start_run(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) return refuse("socketpair", errno);
  if (!open_pipes(&spec)) return refuse("pipe", errno);
  main_pid = fork();
  int error = errno;
  channel = ends[main_pid == 0];
  close(ends[main_pid != 0]);
  if (main_pid == 0) {
    make_cgroup(&spec, channel);
    start_command(&spec, channel, (int[]){ pipes[0][1], pipes[1][1] });
  }
  fcntl(channel, F_SETFL, O_NONBLOCK);
  if (main_pid < 0) refuse("fork", error);
}

/* What is stopped before it was told to go executes nothing of the owner's, however far it has come. */
static bool stopped_early(void) {
  long long signal, deadline;
  if (told_to_go || !read_stop(&signal, &deadline)) return false;
  refuse("stop", ECANCELED);
  if (!ended) kill(main_pid, SIGKILL);
  return true;
}

static void note_command(const char *what) {
  note("%s %d %lld %lld %lld %llu:%lld %llu:%lld", what, main_pid, main_start, (long long)wall_ms(),
       (long long)uptime_ms(), (unsigned long long)ready.mark[0].inode, (long long)ready.mark[0].offset,
       (unsigned long long)ready.mark[1].inode, (long long)ready.mark[1].offset);
}

/* Whoever finds the run without its shepherd must know whom to look for: nothing goes before that is written. */
static void let_go(void) {
  if (!prepared || told_to_go || channel < 0 || !journal_flush() || stopped_early()) return;
  if (spec.logger && !logger) start_logger(&spec);
  int64_t deadline = NEVER;
  if (is_single(&spec, ".")) read_lease("../../lease", &lease), deadline = lease.term_at;
  /* One that is dead already has heard nothing. */
  told_to_go = send(channel, &deadline, sizeof deadline, MSG_NOSIGNAL) == sizeof deadline;
}

static void hear_child(void) {
  struct message message;
  while (channel >= 0) {
    ssize_t got = recv(channel, &message, sizeof message, 0);
    if (got < 0) return;
    if (got == 0) {
      close(channel);
      channel = -1;
      if (failed) return;
      /* Killed before it was told to go: it has executed nothing. */
      if (!told_to_go) {
        refuse("start", ECANCELED);
        return;
      }
      began_at = uptime_ms();
      started = true;
      note_command("started");
      journal_notify(spec.key);
    } else if (message.failed) {
      failed = true;
      note("failed %s %d %lld %s", message.call, message.error, (long long)wall_ms(), message.detail);
    } else if (!stopped_early()) {
      ready = message;
      prepared = true;
      process_stat(main_pid, NULL, NULL, &main_start);
      note_command("read told");
      let_go();
    }
  }
}

static void watch_memory(void) {
  char *text = spec.oom ? read_whole(spec.oom, NULL) : NULL, *count = text ? strstr(text, "\noom_kill ") : NULL;
  if (count && atoll(count + 10) > 0 && !oom) {
    oom = true;
    by = "oom";
    end_run(by, 0, 0);
  }
  free(text);
}

static void watch_lease(int64_t now) {
  if (!started || !is_single(&spec, ".")) return;
  read_lease("../../lease", &lease);
  if (now < lease.term_at) {
    if (fenced && !ended && strcmp(by, "fence") == 0) by = "none";
    fenced = false;
    return;
  }
  if (!fenced) end_run("fence", SIGTERM, NEVER);
  fenced = true;
  if (now >= lease.kill_at) kill_members(&spec, helper());
}

static void reap(void) {
  struct rusage usage;
  int status;
  pid_t pid;
  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    if (pid == logger) logger = 0;
    if (pid == cleaner) cleaner = 0, tmp_removed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (pid != main_pid || ended) continue;
    hear_child();
    watch_memory();
    watch_lease(uptime_ms()); // the node's fence may have been first to ask
    ended = true;
    if (!failed) note_exit(status, by, &usage);
  }
  childless = pid < 0 && errno == ECHILD;
}

static void obey_stop(void) {
  static long long last_signal, last_deadline;
  long long signal, deadline;
  if (!read_stop(&signal, &deadline) || (signal == last_signal && deadline == last_deadline)) return;
  stopped_early();
  bool again = signal == last_signal;
  last_signal = signal;
  last_deadline = deadline;
  end_run("stop", again ? 0 : signal, deadline);
}

static void watch_time(int64_t now) {
  if (spec.limit <= 0 || !started || ended) return;
  if (spec.warn > 0 && !warned && now >= began_at + spec.limit - spec.warn) {
    warned = true;
    warn_group(main_pid, spec.warnsig);
  }
  if (!timed_out && now >= began_at + spec.limit) {
    timed_out = true;
    end_run("time", spec.stopsig, now + spec.grace);
  }
}

/* True when no process of the run is left, the shepherd's own aside. */
static bool end_members(int64_t now) {
  if (!ended && now < kill_at) return false;
  // As subreaper it inherits whatever the run leaves: no child, no descendant.
  bool none = childless && spec.procs.count == 0;
  if (none || signal_members(&spec, 0, helper()) == 0) return ended;
  if (ended && !swept) {
    swept = true;
    journal_notify(spec.key); /* other ends are told when all is done */
    end_run(by, SIGTERM, now + (spec.grace < 5000 ? spec.grace : 5000));
  }
  if (now < kill_at) return false;
  kill_members(&spec, helper());
  kill_pause_ms = kill_pause_ms ? (kill_pause_ms < 500 ? kill_pause_ms * 2 : 1000) : 5;
  return false;
}

static void wait_for_news(int64_t now) {
  struct pollfd polled[] = { { .fd = signals, .events = POLLIN }, { .fd = channel, .events = POLLIN } };
  struct signalfd_siginfo info[8];
  int64_t next = now + 1000;
  if (started && !ended && spec.limit > 0) {
    int64_t due = began_at + spec.limit - (warned || spec.warn <= 0 ? 0 : spec.warn);
    if (!timed_out && due < next) next = due;
  }
  if (kill_at < NEVER) next = kill_at > now ? (kill_at < next ? kill_at : next) : now + kill_pause_ms;
  if (draining_at || cleaning_at || !main_pid) next = now + 20;
  poll(polled, 2, next > now ? next - now : 1);
  while (read(signals, info, sizeof info) > 0) continue;
}

static _Noreturn void keep_run(void) {
  long long start = 0;
  signals = open_signals();
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  spec.root = getpid();
  process_stat(getpid(), NULL, NULL, &start);
  if (!read_spec("spec", &spec) || !spec.boot || strcmp(spec.boot, boot_id()) != 0) _exit(1);
  spec.root = getpid();
  if (!journal_claim(spec.key, start, boot_id())) _exit(0);
  if (!stopped_early()) start_run();
  for (;;) {
    int64_t now = uptime_ms();
    wait_for_news(now);
    hear_child();
    reap();
    obey_stop();
    now = uptime_ms();
    watch_lease(now);
    watch_time(now);
    if (started && !ended) watch_memory(), watch_output(main_pid, logger);
    if (spec.logger && started && !ended && !logger && now > logger_at + 1000) start_logger(&spec);
    journal_flush();
    let_go();
    if (end_members(now) && drained(&spec, now) && tidied(&spec, now) && closed(&spec)) break;
  }
  while (!journal_flush()) sleep(1);
  journal_notify(spec.key);
  _exit(0);
}

static void launch(const char *folder) {
  pid_t pid = fork();
  if (pid < 0) _exit(1); /* the agent starts a new launcher and asks again */
  if (pid > 0) return;
  int null = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++) dup2(null, i);
  close_range(3, ~0U, 0);
  if (chdir(folder)) _exit(1);
  keep_run();
}

int main(void) {
  static char text[65536];
  size_t used = 0;
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_IGN); /* shepherds are nobody's to wait for */
  close_range(3, ~0U, 0);
  for (;;) {
    ssize_t got = read(0, text + used, sizeof text - used);
    if (got <= 0) return 0;
    used += got;
    for (char *end; (end = memchr(text, 0, used));) {
      launch(text);
      used -= end + 1 - text;
      memmove(text, end + 1, used);
    }
  }
}
