#!/usr/bin/env bash
# `npm run test:vm`: the tests of the process layer and a whole grid under cgroup version 2, an agent in a cgroup that
# is delegated to an ordinary account, and schedules under a clock that moves, in the small machine of
# scripts/cgroup2-vm. Its processors are emulated: every bound is wide.
set -u
cd "$(dirname "$0")/../.." || exit 125

# The machine says something every minute. One that has fallen silent, with all its emulated processors busy, has been seen
# to stay so: it is put away (status 75) and started once more. A test that hangs in a machine that speaks is a failure.
attempt() {
  local pidfile line got
  pidfile=$(mktemp)
  while :; do
    IFS= read -r -t "${EVERGRID_VM_SILENCE:-180}" line; got=$?
    # Without an emulator yet it is the kernel that is still being fetched.
    [ "$got" -le 128 ] || [ ! -s "$pidfile" ] || { kill -9 "$(cat "$pidfile")"; rm -f "$pidfile"; return 75; }
    [ "$got" -le 128 ] || continue
    [ "$got" -eq 0 ] || break
    printf '%s\n' "$line"
  done < <(scripts/cgroup2-vm -P "$pidfile" -m 3072 -t "${EVERGRID_VM_SECONDS:-1100}" -- env CI=true EVERGRID_TEST_PATIENCE=5 test/vm/run.sh inside 2>&1)
  wait $!; got=$?
  rm -f "$pidfile"
  return "$got"
}

if [ "${1:-}" != inside ]; then
  npm run --silent build || exit 1
  attempt; status=$?
  [ "$status" -ne 75 ] || { echo 'The machine stood still: once more.'; attempt; status=$?; }
  exit "$status"
fi

# Where a test hangs, the log shows in what.
while sleep 60; do
  printf '%s after %.0f s: ' '--' "$(cut -d' ' -f1 /proc/uptime)"
  ps -eo stat,pcpu,etimes,args --sort=-pcpu --no-headers | head -4 | cut -c1-110 | tr '\n' ';'
  echo
done &
watch=$!

[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || { echo 'no cgroup version 2 here'; exit 1; }
failed=0
# Not through npx: npm alone takes half a minute to start there. The console is not a terminal to draw on.
# The adoption of 500 runs measures speed, which there is none of here.
node node_modules/vitest/vitest.mjs run --reporter=verbose --testTimeout=300000 --hookTimeout=300000 \
  --testNamePattern '^(?!.*500 runs)' test/exec-node/process \
  test/exec-node/exec-node.test.ts < /dev/null 2>&1 | cat
[ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
node test/vm/smoke.mjs cgroup2 < /dev/null 2>&1 | cat
[ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
node test/vm/delegated.mjs < /dev/null 2>&1 | cat
[ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
node test/vm/clock.mjs < /dev/null 2>&1 | cat
[ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
kill $watch
exit $failed
