/** Roles: who has them survives, and refusals name who could. */
import { expect, test } from 'vitest'

import { anna, BrainGrid, operator } from '../../support/brain.ts'

const manager = { owner: 'root', rights: 'manager', from: 'test' } as const
const grant = (owner: string, role: 'operator' | 'manager') => ({ body: { owner, role } })

test('a role is granted, kept over a restart, named in refusals, and taken', async () => {
  const grid = await BrainGrid.open()
  await grid.ok('grantRole', manager, grant('mia', 'manager'))
  await grid.ok('grantRole', manager, grant('ole', 'operator'))
  await grid.reopen()
  expect([grid.brain.roleOf('mia'), grid.brain.roleOf('ole'), grid.brain.roleOf('anna')]).toEqual([
    'manager',
    'operator',
    null,
  ])
  const { roles } = await grid.ok('listRoles', anna)
  expect(roles.map(({ owner, role, by }) => [owner, role, by])).toEqual([
    ['root', 'manager', null],
    ['mia', 'manager', 'root'],
    ['ole', 'operator', 'root'],
  ])
  const job = await grid.submit({}, operator)
  const refused = await grid.call('editJob', anna, { params: { job: String(job) }, body: {} })
  expect(refused).toMatchObject({
    refusal: { code: 'forbidden', hint: expect.stringContaining('operators (root, mia, ole, and') },
  })
  expect(grid.brain.whoCould().managers).toBe('root, mia')
  await grid.ok('revokeRole', manager, { params: { owner: 'ole' } })
  expect(grid.brain.roleOf('ole')).toBe(null)
  await grid.reopen()
  expect(grid.brain.roleOf('ole')).toBe(null)
})

test('the account that runs the grid stays manager; a manager is not made less by a grant', async () => {
  const grid = await BrainGrid.open()
  expect(await grid.refused('revokeRole', manager, { params: { owner: 'root' } })).toBe(
    'wrong-state',
  )
  expect(await grid.refused('grantRole', manager, grant('root', 'operator'))).toBe('wrong-state')
  expect(await grid.refused('revokeRole', manager, { params: { owner: 'bert' } })).toBe('not-found')
  await grid.ok('grantRole', manager, grant('mia', 'operator'))
  await grid.ok('grantRole', manager, grant('mia', 'manager'))
  expect(await grid.refused('grantRole', manager, grant('mia', 'operator'))).toBe('wrong-state')
  const before = (await grid.ok('listAudit', operator)).entries.length
  await grid.ok('grantRole', manager, grant('mia', 'manager'))
  expect((await grid.ok('listAudit', operator)).entries).toHaveLength(before)
})

test('an account that the machine does not know gets none', async () => {
  const problemOf = async (account: string) =>
    account === 'bert' ? null : ({ code: 'not-found', detail: `no ${account}` } as const)
  const grid = await BrainGrid.open({
    settings: { accounts: { maker: 'carla', problemOf, problemOfGroup: problemOf } },
  })
  expect(await grid.refused('grantRole', manager, grant('brt', 'operator'))).toBe('not-found')
  expect(await grid.refused('grantRole', manager, grant('bert', 'operator'))).toBe('done')
  expect(grid.brain.whoCould()).toMatchObject({ managers: 'carla' })
})
