/* The node's lease: one line, `endless` or `BOOT_ID TERM_MS KILL_MS` (uptimes). And whom it binds. */
#ifndef LEASE_H
#define LEASE_H
#include "spec.h"

struct lease { int64_t term_at, kill_at; };
static const struct lease lease_endless = { INT64_MAX, INT64_MAX }, lease_over = { 0, 0 };

static inline const char *boot_id(void) {
  static char id[64];
  char *text = id[0] ? NULL : read_whole("/proc/sys/kernel/random/boot_id", NULL);
  if (text) sscanf(text, "%63s", id);
  free(text);
  return id;
}

/* A run is started as single-copy or becomes one later: then the agent puts `single` into its folder. */
static inline bool is_single(const struct spec *spec, const char *folder) {
  char path[600];
  snprintf(path, sizeof path, "%s/single", folder);
  return spec->single || access(path, F_OK) == 0;
}

/* False, with `lease` untouched, when the file cannot be read: what was known last still holds. */
static inline bool read_lease(const char *path, struct lease *lease) {
  char *text = read_whole(path, NULL), boot[64];
  long long term, end;
  bool known = true;
  if (text && strncmp(text, "endless", 7) == 0) *lease = lease_endless;
  else if (text && sscanf(text, "%63s %lld %lld", boot, &term, &end) == 3)
    *lease = strcmp(boot, boot_id()) == 0 ? (struct lease){ term, end } : lease_over;
  else known = false;
  free(text);
  return known;
}
#endif
