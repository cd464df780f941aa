/** docs/job-lifecycle.md: every legal move of a task, drawn and listed from the table that owns them. */
import type { TaskStateName } from '../proto/job.ts'
import { legalMoves } from '../scheduler/core/task-state.ts'

/** What each state means to the person whose task it is. */
const meaning: Readonly<Record<TaskStateName, string>> = {
  held: 'somebody holds it back; it takes no part in placement',
  pending: 'waits for a place, or for its begin time, a job before it, or its next try',
  placed: 'has a node; its first process is not known to run yet',
  running: 'a run of it is alive',
  backoff: 'on its node between two runs; a crash loop is said here',
  suspended: 'its processes are frozen; it keeps its place',
  stopping: 'its processes are being ended; the slot is taken until they are gone',
  unreachable: 'its node is silent; whether it runs is not known',
  finished: 'ended for good: succeeded, failed or cancelled, with its cause',
}

const states = Object.entries(legalMoves) as [TaskStateName, readonly TaskStateName[]][]

export function jobLifecycleText(): string {
  const moves = states.flatMap(([from, to]) => to.map((name) => `  ${from} --> ${name}`))
  const rows = states.map(
    ([name, to]) => `| \`${name}\` | ${meaning[name]} | ${to.join(', ') || 'nothing'} |`,
  )
  return `# The life of a task

Made by \`npm run docs\` from \`scheduler/core/task-state.ts\`; a test compares the two. A plain job has one
task, an array job has one for each index; what a job as a whole is said to be follows from its tasks.

\`\`\`mermaid
stateDiagram-v2
  [*] --> pending: submit
  [*] --> held: submit --hold
${moves.join('\n')}
  finished --> [*]
\`\`\`

| state | meaning | may become |
|---|---|---|
${rows.join('\n')}

Two things are kept apart. What is **wanted** (run, hold, stop) is set by owners and operators. What is
**observed** is the state above. An order changes what is wanted at once; the state follows when the node
tells what became of it.

A task that leaves a node for another goes through \`pending\` and gets a placement with the next **epoch**;
reports about an older epoch change nothing. A restart on the same node is \`running\` to \`backoff\` to
\`running\`, with the next **run** number in the same placement.
`
}
