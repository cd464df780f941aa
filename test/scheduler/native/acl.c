/* Reads an access list from its standard input; ends with 1 where it lets others than the owner write. */
#include "../../../scheduler/native/nfs4-acl.h"
#include <stdio.h>

int main(void) {
  unsigned char bytes[65536];
  return acl_lets_others_write(bytes, fread(bytes, 1, sizeof bytes, stdin));
}
