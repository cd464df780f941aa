/* What the native programs take for the uptime. */
#include "../../../exec-node/native/spec.h"

int main(void) {
  printf("%lld\n", (long long)uptime_ms());
  return 0;
}
