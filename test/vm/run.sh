#!/usr/bin/env bash
# `npm run test:vm`: the tests of the process layer and a whole grid under cgroup version 2, an agent in a cgroup that
# is delegated to an ordinary account, and schedules under a clock that moves, in the small machine of
# scripts/cgroup2-vm. Its processors are emulated: every bound is wide.
set -u
cd "$(dirname "$0")/../.." || exit 125

if [ "${1:-}" != inside ]; then
  npm run --silent build || exit 1
  exec scripts/cgroup2-vm -m 3072 -t "${EVERGRID_VM_SECONDS:-600}" -- env CI=true EVERGRID_TEST_PATIENCE=5 test/vm/run.sh inside
fi

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
exit $failed
