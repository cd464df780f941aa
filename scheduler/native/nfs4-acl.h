/* Access lists of NFS version 4, as the kernel's client shows them in the attribute system.nfs4_acl: XDR, a count, then for
 * each entry type, flags, rights and the name of whom it is for. A server need not let the mode show what they allow. */
#ifndef NFS4_ACL_H
#define NFS4_ACL_H
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ACE_ALLOW 0
#define ACE_INHERIT_ONLY 0x8
/* Add or change a file, add a folder, delete a child, delete, change the list, take ownership. */
#define ACE_WRITES (0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000)

static inline bool acl_word(const unsigned char **at, const unsigned char *end, uint32_t *word) {
  if (end - *at < 4) return false;
  memcpy(word, *at, 4);
  *word = ntohl(*word);
  *at += 4;
  return true;
}

/* True also for what cannot be read. */
static inline bool acl_lets_others_write(const unsigned char *at, size_t size) {
  const unsigned char *end = at + size;
  uint32_t count, type, flags, rights, length;
  if (!acl_word(&at, end, &count)) return true;
  while (count--) {
    if (!acl_word(&at, end, &type) || !acl_word(&at, end, &flags) || !acl_word(&at, end, &rights) ||
        !acl_word(&at, end, &length) || length > (size_t)(end - at))
      return true;
    bool owner = length == 6 && memcmp(at, "OWNER@", 6) == 0;
    if (type == ACE_ALLOW && !(flags & ACE_INHERIT_ONLY) && (rights & ACE_WRITES) && !owner) return true;
    size_t padded = ((size_t)length + 3) & ~(size_t)3;
    if (padded > (size_t)(end - at) && count) return true;
    at += padded > (size_t)(end - at) ? (size_t)(end - at) : padded;
  }
  return false;
}
#endif
