/** Writes the documents that are made from the code; tests compare them with what is committed. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { compatibilityText } from '../test/golden/compatibility.ts'
import { jobLifecycleText } from './job-lifecycle.ts'
import { openApiDocument } from './openapi.ts'

export { openApiDocument } from './openapi.ts'

export const openApiText = (): string => `${JSON.stringify(openApiDocument(), null, 2)}\n`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/openapi.json', import.meta.url), openApiText())
  writeFileSync(new URL('../docs/job-lifecycle.md', import.meta.url), jobLifecycleText())
  writeFileSync(
    new URL('../docs/grid-engine-compatibility.md', import.meta.url),
    compatibilityText(),
  )
}
