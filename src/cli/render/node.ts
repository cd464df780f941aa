/** Nodes and drains, for people. */
import type { DrainView, NodeView, ProbeReport } from '../../../proto/node.ts'
import { counted, nodeStateCell, sizeText, timeText } from '../words.ts'
import { facts, table, type Cell, type Look } from './table.ts'

export function nodesText(nodes: readonly NodeView[], look: Look): string {
  return table(
    [
      { title: 'NODE', cell: ({ name }) => name },
      { title: 'STATE', cell: nodeStateCell },
      { title: 'SLOTS', cell: ({ slots, slotsUsed }) => `${slotsUsed}/${slots}`, right: true },
      { title: 'MEM', cell: memText, right: true },
      { title: 'TASKS', cell: ({ tasks }) => tasks, right: true },
      { title: 'LIMITS BY', cell: ({ enforcement }) => enforcement },
      { title: 'WHY', cell: ({ reason }) => reason ?? '' },
    ],
    nodes,
    look,
  )
}

const memText = ({ memUsedBytes, memBytes }: NodeView): string =>
  `${sizeText(memUsedBytes)}/${sizeText(memBytes)}`

export function nodeText(node: NodeView, look: Look): string {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`)
  const parts = [
    facts(
      [
        ['node', node.name],
        ['state', nodeStateCell(node)],
        ['why', node.reason],
        ['slots', `${node.slotsUsed} of ${node.slots} given`],
        ['memory', `${sizeText(node.memUsedBytes)} of ${sizeText(node.memBytes)} given`],
        ['tasks', node.tasks],
        ['limits by', node.enforcement],
        ['labels', labels.join(' ') || null],
        ['version', node.version],
        ['last report', timeText(node.lastReportAt)],
        ['lease', node.lease],
      ],
      look,
    ),
    node.health.length === 0 ? '' : healthText(node.health, look),
    node.drain === null ? '' : drainText(node.drain, look),
    stuckText(node, look),
    unknownText(node, look),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function healthText(health: readonly ProbeReport[], look: Look): string {
  return table(
    [
      { title: 'PROBE', cell: ({ probe }) => probe },
      { title: 'VERDICT', cell: verdictCell },
      { title: 'VALUE', cell: ({ value }) => value },
      { title: 'THRESHOLD', cell: ({ threshold }) => threshold },
      { title: 'SINCE', cell: ({ since }) => timeText(since) },
    ],
    health,
    look,
  )
}

const verdictCell = ({ verdict }: ProbeReport): Cell => ({
  text: verdict,
  tone: { ok: 'good', failing: 'warn', critical: 'bad', unknown: 'dim' }[verdict] as 'good',
})

export function drainText(drain: DrainView, look: Look): string {
  const head = facts(
    [
      ['drain', drain.state],
      ['by', drain.by],
      ['reason', drain.reason || null],
      [
        'deadline',
        drain.deadlineAt === null ? 'none' : `${timeText(drain.deadlineAt)}, then ${drain.then}`,
      ],
      ['left', `${counted(drain.left, 'task')}; at most ${counted(drain.atOnce, 'bot')} at once`],
    ],
    look,
  )
  if (drain.steps.length === 0) return head
  const steps = table(
    [
      { title: 'TASK', cell: ({ task }) => task },
      { title: 'NAME', cell: ({ name }) => name },
      { title: 'OWNER', cell: ({ owner }) => owner },
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'TO', cell: ({ to }) => to ?? '-' },
      { title: 'DETAIL', cell: ({ detail }) => detail },
    ],
    drain.steps,
    look,
  )
  return `${head}\n${steps}`
}

function stuckText({ stuck }: NodeView, look: Look): string {
  if (stuck.length === 0) return ''
  return table(
    [
      { title: 'DOES NOT DIE', cell: ({ task }) => task },
      { title: 'PID', cell: ({ pid }) => pid, right: true },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'WAITS IN', cell: ({ waitChannel }) => waitChannel || 'user code' },
    ],
    stuck,
    look,
  )
}

function unknownText({ unknownRuns }: NodeView, look: Look): string {
  if (unknownRuns.length === 0) return ''
  return table(
    [
      { title: 'UNKNOWN RUN', cell: ({ task, epoch }) => `${task} (epoch ${epoch})` },
      { title: 'DETAIL', cell: ({ detail }) => detail },
    ],
    unknownRuns,
    look,
  )
}
