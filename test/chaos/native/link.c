/* A bad network: `link DEVICE DEVICE` makes two TUN devices and carries packets between them. Lines on stdin set what
 * becomes of those that enter at the first (0) or the second (1):
 *
 *   SIDE DELAY_MS JITTER_MS LOSS_PERCENT DOUBLE_PERCENT
 *
 * A jitter reorders; a loss of 100 is a partition, of one direction where the other is not lost. In user space because
 * not every kernel has netem. It ends with its stdin. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MANY 8192
struct packet { long long due; int to, length; char *data; };
static struct { int delay, jitter, loss, twice; } rule[2];
static struct packet waiting[MANY];
static int count, device[2];

static long long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int open_device(const char *name) {
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  int file = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (file < 0 || ioctl(file, TUNSETIFF, &request)) {
    perror("/dev/net/tun");
    exit(1);
  }
  fcntl(file, F_SETFL, O_NONBLOCK);
  return file;
}

/* Full: as a full queue of a real one, it loses what comes. */
static void keep(int to, const char *data, int length, long long due) {
  if (count == MANY) return;
  struct packet *packet = &waiting[count++];
  *packet = (struct packet){ due, to, length, malloc(length) };
  memcpy(packet->data, data, length);
}

static void take(int from) {
  char data[65536];
  for (int length; (length = read(device[from], data, sizeof data)) > 0;) {
    if (rand() % 100 < rule[from].loss) continue;
    long long due = now_us() + rule[from].delay * 1000LL;
    if (rule[from].jitter) due += rand() % (rule[from].jitter * 1000);
    if (rule[from].delay == 0 && rule[from].jitter == 0 && rule[from].twice == 0) {
      if (write(device[!from], data, length) < 0) continue;
    } else
      keep(!from, data, length, due);
    if (rand() % 100 < rule[from].twice) keep(!from, data, length, due + 1000);
  }
}

/* Hands on what is due; when the next one is, in ms; -1: none waits. */
static int deliver(void) {
  long long now = now_us(), next = -1;
  for (int at = 0; at < count;) {
    struct packet *packet = &waiting[at];
    if (packet->due > now) {
      if (next < 0 || packet->due < next) next = packet->due;
      at++;
      continue;
    }
    if (write(device[packet->to], packet->data, packet->length) < 0) errno = 0; /* lost, as on a real one */
    free(packet->data);
    /* The order of those that are due at one time stays. */
    memmove(packet, packet + 1, (--count - at) * sizeof *packet);
  }
  return next < 0 ? -1 : (int)((next - now) / 1000) + 1;
}

int main(int arguments, char **argument) {
  if (arguments != 3) return 2;
  for (int side = 0; side < 2; side++) device[side] = open_device(argument[side + 1]);
  printf("ready\n");
  fflush(stdout);
  char text[4096];
  int used = 0;
  for (;;) {
    struct pollfd polled[] = { { 0, POLLIN, 0 }, { device[0], POLLIN, 0 }, { device[1], POLLIN, 0 } };
    if (poll(polled, 3, deliver()) < 0 && errno != EINTR) return 1;
    for (int side = 0; side < 2; side++) take(side);
    if (!(polled[0].revents & (POLLIN | POLLHUP))) continue;
    int got = read(0, text + used, sizeof text - used - 1);
    if (got <= 0) return 0;
    text[used += got] = 0;
    for (char *end; (end = strchr(text, '\n'));) {
      int side, delay, jitter, loss, twice;
      if (sscanf(text, "%d %d %d %d %d", &side, &delay, &jitter, &loss, &twice) == 5 && (side == 0 || side == 1)) {
        rule[side].delay = delay, rule[side].jitter = jitter, rule[side].loss = loss, rule[side].twice = twice;
        printf("set\n");
        fflush(stdout);
      }
      used -= end + 1 - text;
      memmove(text, end + 1, used + 1);
    }
  }
}
