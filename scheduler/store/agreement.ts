/**
 * What the tables must agree on, as data: each query finds rows that contradict others and says of each, in words,
 * what is wrong. The brain keeps all of it true in every commit, so any row found is a fault of ours or of the disk.
 */
import { precedence, taskStates } from '../../proto/job.ts'

export type Rule = {
  what: string
  /** What it means that rows are found. */
  means: string
  /** One column: a sentence for each row that disagrees. */
  sql: string
}

const placedStates = ['placed', 'running', 'backoff', 'suspended', 'stopping', 'unreachable']
const ofCounts = (state: string) => `ifnull(json_extract(countsJson, '$.${state}'), 0)`

/** A plain job has no range: its only task is untouched until it has a row. */
const isPlain = `json_extract(factsJson, '$.array') IS NULL`

/** What rows of tasks and ranges say of each live job, beside what its own row says. */
export const liveCounts = `
  WITH rows AS (
    SELECT job.id AS job, task.state AS state, task.outcome AS outcome
    FROM job CROSS JOIN task ON task.job = job.id WHERE job.finishedAt IS NULL),
  waiting AS (
    SELECT job.id AS job, sum(("to" - "from") / ifnull(json_extract(factsJson, '$.array.step'), 1) + 1) AS untouched
    FROM job CROSS JOIN range ON range.job = job.id WHERE job.finishedAt IS NULL GROUP BY job.id)
  SELECT job.id AS id, countsJson, job.state AS state,
    iif(${isPlain}, count(rows.state) = 0, ifnull(waiting.untouched, 0)) AS untouched,
    ${taskStates
      .filter((state) => state !== 'finished')
      .map((state) => `count(*) FILTER (WHERE rows.state = '${state}') AS "${state}"`)
      .join(', ')},
    count(*) FILTER (WHERE rows.outcome = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE rows.outcome = 'failed') AS failed,
    count(*) FILTER (WHERE rows.outcome = 'cancelled') AS cancelled
  FROM job LEFT JOIN rows ON rows.job = job.id LEFT JOIN waiting ON waiting.job = job.id
  WHERE job.finishedAt IS NULL GROUP BY job.id`

/** The first state of the fixed precedence that any task is in. */
const stateOfCounts = `CASE ${precedence
  .filter((state) => state !== 'finished')
  .map((state) => `WHEN ${ofCounts(state)} > 0 THEN '${state}'`)
  .join(' ')} ELSE 'finished' END`

const jsonColumns: readonly [table: string, key: string, columns: string[]][] = [
  ['job', `'job ' || id`, ['factsJson', 'countsJson', 'causeJson']],
  ['spec', `'job ' || id`, ['specJson']],
  ['task', `'task ' || job || '.' || "index"`, ['dataJson']],
  ['run', `'a run of ' || job || '.' || "index"`, ['causeJson', 'usageJson', 'outputJson']],
  ['node', `'node ' || name`, ['dataJson']],
  ['crontab', `'the crontab of ' || owner`, ['namesJson']],
  ['schedule', `'schedule ' || name || ' of ' || owner`, ['dataJson']],
  ['scheduleSpec', `'schedule ' || name || ' of ' || owner`, ['specJson']],
  ['template', `'what schedule ' || schedule || ' of ' || owner || ' submits'`, ['specJson']],
  ['queue', `'queue ' || name`, ['dataJson']],
  ['resource', `'resource ' || name`, ['dataJson']],
  ['quota', `'the quota of ' || subject`, ['dataJson']],
  ['apiToken', `'token ' || id || ' of ' || owner`, ['scopesJson']],
  ['reply', `'a kept reply to ' || owner`, ['replyJson']],
  ['audit', `'entry ' || id || ' of the audit log'`, ['beforeJson', 'afterJson']],
]

/** First of the rules: the others look into these fields. */
export const unreadable = 'unreadable'

export const rules: readonly Rule[] = [
  {
    what: unreadable,
    means: 'fields hold something that is no JSON',
    sql: jsonColumns
      .map(
        ([table, key, columns]) =>
          `SELECT ${key} || ' holds something unreadable' FROM "${table}" WHERE ${columns
            .map((column) => `(${column} IS NOT NULL AND NOT json_valid(${column}))`)
            .join(' OR ')}`,
      )
      .concat(
        `SELECT 'meta holds something unreadable as ' || key FROM meta
          WHERE key IN ('backup', 'lostNumbers', 'shareTree') AND value <> '' AND NOT json_valid(value)`,
      )
      .join(' UNION ALL '),
  },
  {
    what: 'meta',
    means: 'what the grid knows of itself is missing, or makes no sense',
    sql: `SELECT 'the grid has no ' || needed.value FROM json_each('["grid", "incarnation"]') needed
      WHERE EXISTS (SELECT 1 FROM node) AND NOT EXISTS (SELECT 1 FROM meta WHERE key = needed.value AND meta.value <> '')
      UNION ALL SELECT key || ' is ' || value || ', which is no number' FROM meta
      WHERE key IN ('incarnation', 'nextJob', 'lostGrantMs') AND (value = '' OR value GLOB '*[^0-9.]*')`,
  },
  {
    what: 'counts',
    means: 'what live jobs count is not what their tasks say',
    sql: `SELECT 'job ' || id || ' counts ' || countsJson || ', which its tasks do not say' FROM (${liveCounts})
      WHERE ${[...placedStates, 'succeeded', 'failed'].map((state) => `"${state}" <> ${ofCounts(state)}`).join(' OR ')}
      OR cancelled > ${ofCounts('cancelled')}
      OR pending + held + untouched <> ${ofCounts('pending')} + ${ofCounts('held')}`,
  },
  {
    what: 'job-state',
    means: 'the state of jobs is not that of their tasks',
    sql: `SELECT 'job ' || id || ' is ' || state || ', its counts say ' || ${stateOfCounts} FROM job
      WHERE finishedAt IS NULL AND state <> ${stateOfCounts}`,
  },
  {
    what: 'finished-but-live',
    means: 'finished jobs have tasks that are not',
    sql: `SELECT 'job ' || job.id || ' is finished, its task ' || "index" || ' is ' || task.state
      FROM task CROSS JOIN job ON job.id = task.job WHERE task.state <> 'finished' AND job.finishedAt IS NOT NULL
      UNION ALL SELECT 'job ' || job.id || ' is finished, its tasks ' || "from" || '-' || "to" || ' wait'
      FROM range CROSS JOIN job ON job.id = range.job WHERE job.finishedAt IS NOT NULL`,
  },
  {
    what: 'live-but-over',
    means: 'live jobs have nothing left to do',
    sql: `SELECT 'job ' || id || ' is live, but all its tasks are over' FROM job WHERE finishedAt IS NULL
      AND NOT EXISTS (SELECT 1 FROM task WHERE task.job = job.id AND task.state <> 'finished')
      AND iif(${isPlain}, EXISTS (SELECT 1 FROM task WHERE task.job = job.id),
        NOT EXISTS (SELECT 1 FROM range WHERE range.job = job.id))`,
  },
  {
    what: 'task-state',
    means: 'tasks say two things of themselves',
    sql: `WITH said AS (SELECT job, "index", state, node, epoch, json_extract(dataJson, '$.state.is') AS its,
        json_extract(dataJson, '$.state.placement.node') AS place,
        json_extract(dataJson, '$.state.placement.epoch') AS since FROM task)
      SELECT 'task ' || job || '.' || "index" || ' is ' || state || ' in its row and ' ||
        ifnull(its, 'nothing') || ' in its data' FROM said WHERE its IS NOT state
      UNION ALL SELECT 'task ' || job || '.' || "index" || ' is on ' || ifnull(node, 'no node') || ' with epoch ' || epoch ||
        ' in its row, and on ' || ifnull(place, 'no node') || ' with epoch ' || ifnull(since, 0) || ' in its data' FROM said
      WHERE its IS state AND state <> 'finished' AND (place IS NOT node OR (place IS NOT NULL AND since IS NOT epoch))`,
  },
  {
    what: 'ranges',
    means: 'tasks stand in two places',
    sql: `SELECT 'tasks ' || a."from" || '-' || a."to" || ' and ' || b."from" || '-' || b."to" || ' of job ' || a.job || ' overlap'
      FROM range a JOIN range b ON b.job = a.job AND b."from" > a."from" AND b."from" <= a."to"
      UNION ALL SELECT 'task ' || task.job || '.' || task."index" || ' is ' || task.state || ' and untouched as well'
      FROM range CROSS JOIN job ON job.id = range.job CROSS JOIN task ON task.job = range.job
        AND task."index" BETWEEN range."from" AND range."to"
        AND (task."index" - range."from") % ifnull(json_extract(factsJson, '$.array.step'), 1) = 0`,
  },
  {
    what: 'unknown-node',
    means: 'tasks hold places on nodes that are not known',
    sql: `SELECT 'task ' || job || '.' || "index" || ' is ' || state || ' on ' || node || ', which is no node' FROM task
      WHERE node IS NOT NULL AND state <> 'finished' AND NOT EXISTS (SELECT 1 FROM node WHERE node.name = task.node)`,
  },
  {
    what: 'no-spec',
    means: 'live jobs have no spec',
    sql: `SELECT 'job ' || id || ' is live and has no spec' FROM job WHERE finishedAt IS NULL
      AND NOT EXISTS (SELECT 1 FROM spec WHERE spec.id = job.id)
      AND NOT EXISTS (SELECT 1 FROM template WHERE template.owner = job.owner
        AND template.schedule = job.schedule AND template.fromJob <= job.id)`,
  },
  {
    what: 'waits-for-nothing',
    means: 'jobs wait for the end of jobs that do not live',
    sql: `SELECT 'job ' || job.id || ' waits for job ' || json_extract(after.value, '$.job') || ', which does not live'
      FROM job, json_each(job.factsJson, '$.after') after WHERE job.finishedAt IS NULL AND NOT EXISTS (
        SELECT 1 FROM job other WHERE other.id = json_extract(after.value, '$.job') AND other.finishedAt IS NULL)`,
  },
  {
    what: 'run-ahead',
    means: 'runs are newer than their tasks',
    sql: `SELECT 'run ' || run.number || ' of ' || run.job || '.' || run."index" || ' has epoch ' || run.epoch ||
        ', its task ' || task.epoch
      FROM run CROSS JOIN task ON task.job = run.job AND task."index" = run."index" WHERE run.epoch > task.epoch`,
  },
  {
    what: 'ledger',
    means: 'ledger and schedules disagree',
    sql: `SELECT 'schedule ' || name || ' of ' || owner || ' says when it fires, and not what it is' FROM schedule
      WHERE NOT EXISTS (SELECT 1 FROM scheduleSpec WHERE scheduleSpec.owner = schedule.owner AND scheduleSpec.name = schedule.name)
      UNION ALL SELECT 'schedule ' || schedule.name || ' of ' || schedule.owner || ' has fired for a time that it has yet to reach'
      FROM schedule CROSS JOIN firing ON firing.owner = schedule.owner AND firing.schedule = schedule.name
        AND firing.dueAt > schedule.cursorAt
      WHERE manual = 0 AND outcome IN ('ran', 'queued') AND NOT EXISTS (
        SELECT 1 FROM json_each(schedule.dataJson, '$.firedAhead') ahead WHERE ahead.value = firing.dueAt)
      UNION ALL SELECT 'schedule ' || schedule.name || ' of ' || schedule.owner || ' has a firing in its queue that the ledger does not'
      FROM schedule, json_each(schedule.dataJson, '$.queue') waiting WHERE NOT EXISTS (
        SELECT 1 FROM firing WHERE firing.owner = schedule.owner AND firing.schedule = schedule.name
          AND dueAt = json_extract(waiting.value, '$.dueAt') AND manual = json_extract(waiting.value, '$.manual')
          AND outcome = 'queued')
      UNION ALL SELECT 'the ledger of ' || schedule || ' of ' || owner || ' names job ' || jobId || ', which never was'
      FROM firing WHERE jobId > (SELECT ifnull(max(id), 0) FROM job)`,
  },
]
