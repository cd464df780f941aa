/** What may be a name, without the schemas that say so to the scheduler: those take long to load. */

/** Of a job: what Grid Engine takes. */
export const isJobName = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_.@+()[\]{}=,%#~-]{0,127}$/.test(name)

export const isScheduleName = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_.@+-]{0,127}$/.test(name)

/** The nearest name that a schedule may have. */
export const scheduleName = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9_.@+-]/g, '_')
    .replace(/^(?![A-Za-z_])/, '_')
    .slice(0, 120)
