/* Acts on an owner's files with the owner's rights and nothing more, so that the agent never has to:
 *   owner IDENTITY read PATH INODE OFFSET MAX_BYTES TAIL_LINES   (INODE 0: the live file)
 *   owner IDENTITY rmtree PATH
 *   owner exec RUN_FOLDER ARGV...      a check: in the run's cgroup, with its folder, environment and /tmp
 *   owner own-mounts                   tells whether runs can have a /tmp of their own here
 * IDENTITY is UID:GID:GROUP,GROUP or `-` to stay who one is. `read` prints `INODE OFFSET SIZE NEXT\n` (where its
 * bytes begin; the inode of the part that follows, 0 for the live file), then the bytes; errors go to stderr as
 * `CALL ERRNO`. */
#include "child.h"
#include "remove.h"

static int fail(const char *call) {
  fprintf(stderr, "%s %d", call, errno);
  return 1;
}

static bool step_down(char *identity) {
  gid_t groups[4096];
  size_t count = 0;
  unsigned uid, gid;
  int length = 0;
  if (strcmp(identity, "-") == 0) return true;
  if (sscanf(identity, "%u:%u:%n", &uid, &gid, &length) < 2 || !length) return false;
  for (char *at = strtok(identity + length, ","); at && count < 4096; at = strtok(NULL, ","))
    groups[count++] = atoll(at);
  return become(true, uid, gid, groups, count);
}

#define PARTS 100
#define ROTATES_US 20000 /* far longer than a rotation takes */

static const char *part_name(const char *path, int part) {
  static char name[4200];
  snprintf(name, sizeof name, part ? "%s.%d" : "%s", path, part);
  return name;
}

/* The file with this inode under the live name or a rotated one; the live one for inode 0. */
static int find_part(const char *path, unsigned long long inode, struct stat *stat, int *rotated) {
  for (int i = 0; i <= PARTS; i++) {
    int fd = open(part_name(path, i), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno != ENOENT || inode == 0)) return -1;
    if (fd < 0 && i > 0) break;
    if (fd < 0) continue;
    *rotated = i;
    if (fstat(fd, stat) || !S_ISREG(stat->st_mode)) errno = EINVAL;
    else if (inode == 0 || inode_of(stat) == inode) return fd;
    else errno = ESTALE;
    close(fd);
    if (errno != ESTALE) return -1;
  }
  errno = ESTALE;
  return -1;
}

/* In the middle of a rotation a part has no name for a moment. */
static int open_part(const char *path, unsigned long long inode, struct stat *stat, int *rotated) {
  int fd = find_part(path, inode, stat, rotated);
  if (fd >= 0 || errno != ESTALE) return fd;
  usleep(ROTATES_US);
  return find_part(path, inode, stat, rotated);
}

/* Inode of the part that follows the one which was found as `part`; 0 where that is the live file, or has gone. The
 * oldest parts move first: while ours has kept its name, so has the newer one. */
static unsigned long long next_part(const char *path, unsigned long long inode, int part) {
  struct stat newer, own;
  bool waited = false;
  while (part > 0 && part <= PARTS) {
    bool known = stat(part_name(path, part - 1), &newer) == 0;
    bool kept = stat(part_name(path, part), &own) == 0 && inode_of(&own) == inode;
    if (known && kept) return inode_of(&newer);
    if (kept && waited) return 0;
    if (kept) waited = usleep(ROTATES_US) == 0;
    else part++;
  }
  return 0;
}

/* Where the last `lines` lines of the file begin, or the last `max` bytes where they are longer. */
static off_t tail_offset(int fd, off_t size, long long lines, long long max) {
  char bytes[65536];
  for (off_t end = size; end > 0 && size - end < max;) {
    off_t from = end > (off_t)sizeof bytes ? end - (off_t)sizeof bytes : 0;
    ssize_t got = pread(fd, bytes, end - from, from);
    if (got <= 0) return from;
    for (ssize_t i = got - 1; i >= 0; i--)
      if (bytes[i] == '\n' && from + i + 1 < size && --lines <= 0) return from + i + 1;
    end = from;
  }
  return size > max ? size - max : 0;
}

static int read_part(char **argument) {
  struct stat stat;
  char bytes[65536];
  int rotated = 0;
  long long max = atoll(argument[3]), lines = atoll(argument[4]);
  int fd = open_part(argument[0], strtoull(argument[1], NULL, 10), &stat, &rotated);
  if (fd < 0) return fail("open");
  off_t offset = lines > 0 ? tail_offset(fd, stat.st_size, lines, max) : atoll(argument[2]);
  if (offset > stat.st_size) offset = 0; /* truncated meanwhile: begin anew */
  if (lines > 0 && stat.st_size - offset > max) offset = stat.st_size - max;
  printf("%llu %lld %lld %llu\n", (unsigned long long)inode_of(&stat), (long long)offset, (long long)stat.st_size,
         next_part(argument[0], inode_of(&stat), rotated));
  while (max > 0) {
    ssize_t got = pread(fd, bytes, max < (long long)sizeof bytes ? max : (long long)sizeof bytes, offset);
    if (got < 0) return fail("read");
    if (got == 0 || fwrite(bytes, 1, got, stdout) != (size_t)got) break;
    offset += got;
    max -= got;
  }
  return fflush(stdout) ? fail("write") : 0;
}

static int run_check(const char *folder, char **argv) {
  static struct spec spec;
  if (chdir(folder) || !read_spec("spec", &spec)) return fail("spec");
  setsid();
  if (spec.privatetmp && !part_from_machine(&spec)) return fail("unshare");
  enter_as_owner(&spec, -1);
  if (chdir(spec.cwd)) return fail("chdir");
  if (spec.privatetmp && !hide_tmp()) return fail("mount");
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  environ = spec.env.items ? spec.env.items : (char *[]){ NULL };
  execvp(argv[0], argv);
  return fail("execve") + 126;
}

int main(int count, char **argument) {
  if (count > 3 && strcmp(argument[1], "exec") == 0) return run_check(argument[2], argument + 3);
  if (count == 2 && strcmp(argument[1], "own-mounts") == 0) return own_mounts() ? 0 : fail("unshare");
  if (count < 4 || !step_down(argument[1])) return fail("setuid");
  if (count == 8 && strcmp(argument[2], "read") == 0) return read_part(argument + 3);
  if (count == 4 && strcmp(argument[2], "rmtree") == 0) return remove_tree(argument[3]) ? 0 : fail("rmdir");
  return 2;
}
