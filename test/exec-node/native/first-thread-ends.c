/* Its first thread ends at once, the second goes on: the process looks like a zombie and lives. */
#include <pthread.h>
#include <unistd.h>

static void *go_on(void *none) {
  for (;;) pause();
  return none;
}

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, go_on, NULL)) return 1;
  pthread_exit(NULL);
}
