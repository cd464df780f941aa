/** What `eg backup`, `eg restore` and `eg check` tell: their JSON, and what their process says to `eg`. */

export type BackupDone = {
  file: string
  bytes: number
  /** ISO 8601. */
  madeAt: string
  version: string
  schema: number
  grid: string | null
  liveJobs: number
  /** Names of the secrets that are in the file. */
  secrets: string[]
}

export type RestoreDone = {
  database: string
  /** Where the database is that was there before; null if none was. */
  keptAside: string | null
  /** ISO 8601: when the backup was made; of a copy that says nothing of itself, its newest event. */
  madeAt: string
  /** Null of a copy that `eg backup` did not make. */
  version: string | null
  schema: number
  grid: string | null
  liveJobs: number
  /** Secrets put into the folder, and those for which it keeps its own. */
  secrets: { restored: string[]; kept: string[] }
  /**
   * Taken over from the database whose place it took, where that had grown from the backup: nodes that joined since, and how many
   * tokens, roles, shares and identities were withdrawn since and stay so. Null: all of these are as they were then.
   */
  since: { joined: string[]; withdrawn: number } | null
}

export type Finding = {
  what: string
  /** What it is, and what to do about it where it cannot be mended here. */
  detail: string
  rows: number
  /** The first few, in words. */
  examples: string[]
  /** How `eg check --mend` mends it; null where it does not. */
  mend: string | null
}

export type CheckDone = {
  database: string
  /** 0 where it cannot be read. */
  schema: number
  /** False of a schema before this Evergrid's, or none: the file was looked at, and its tables not compared with one another. */
  compared: boolean
  findings: Finding[]
  /** What was mended, by name; these are not among the findings any more. */
  mended: string[]
  /** The copy made before mending; null where nothing was mended. */
  keptAside: string | null
}

export type DatabaseCalls = { backup: BackupDone; restore: RestoreDone; check: CheckDone }
export type DatabaseAnswer<D> = { ok: true; value: D } | { ok: false; kind: string; detail: string }
