/** A migration as they come: a table is rebuilt, with so many rows that pages leave the cache before the commit. */
import { migrationsIn, type Migration } from '../../../scheduler/store/migrate.ts'

export const slowStep = (rows: number): Migration => ({
  version: migrationsIn().length + 1,
  name: 'slow',
  sql: `
    DELETE FROM event;
    CREATE TABLE bulk (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
    WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ${rows})
      INSERT INTO bulk SELECT n, hex(randomblob(400)) FROM count;
    ALTER TABLE job ADD COLUMN novelty TEXT;`,
})
