/** What a job that asks for named resources is told. */
import { describe, expect, test } from 'vitest'

import { asksOf, Resources } from '../../../scheduler/core/placement/resources.ts'
import { gridBlockers, heldText, problemOfAsks } from '../../../scheduler/core/resource.ts'

function some(): Resources {
  const resources = new Resources()
  resources.define('lic', { total: 4, nodes: new Map() })
  resources.define('gpu', {
    total: null,
    nodes: new Map([
      ['n1', 1],
      ['n2', 2],
    ]),
  })
  resources.define('shut', { total: 0, nodes: new Map() })
  return resources
}

describe('a request', () => {
  test.each([
    [{ lic: 4, gpu: 2 }, null],
    [
      { lic: 5 },
      'it asks for 5 of resource "lic", and there are 4 in all; ask for 4 or less: --resource lic=4',
    ],
    [
      { gpu: 3 },
      'it asks for 3 of resource "gpu", and there are 2 on the node that has most; ask for 2 or less: --resource gpu=2',
    ],
    [
      { shut: 1 },
      'it asks for 1 of resource "shut", and there are 0 in all; ask without it, or ask an operator for more: eg resource set shut=N',
    ],
    [{ lik: 1 }, 'there is no resource "lik"; resources here: gpu, lic, shut'],
  ])('%j', (said, told) => {
    const problem = problemOfAsks(some(), asksOf(said))
    expect(problem && `${problem.detail}; ${problem.hint}`).toBe(told)
  })

  test('where none is defined', () => {
    expect(problemOfAsks(new Resources(), asksOf({ a: 1 }))?.hint).toContain('eg resource set a=N')
    expect(problemOfAsks(new Resources(), asksOf({}))).toBe(null)
    expect(problemOfAsks(new Resources(), null)).toBe(null)
  })
})

describe('what waits', () => {
  const blockers = (resources: Resources, said: Record<string, number>) =>
    gridBlockers(resources, asksOf(said), () => [{ job: 7, owner: 'ann', amount: 3 }])

  test('is told of each resource that the grid is short of, how much, and who holds it', () => {
    const resources = some()
    resources.take('n1', [['lic', 3]], 1)
    expect(blockers(resources, { lic: 1 })).toEqual([])
    expect(blockers(resources, { lic: 2, gpu: 1, shut: 1 })).toEqual([
      {
        code: 'resource',
        detail: 'it asks for 2 of resource "lic": 1 of 4 are free; held by job 7 of ann (3)',
        wayOut: 'wait until 1 more are given back: `eg resource show lic` says who holds them',
      },
      {
        code: 'resource',
        detail: 'it asks for 1 of resource "shut": 0 of 0 are free; held by job 7 of ann (3)',
        wayOut: 'wait until an operator gives more of it',
      },
    ])
  })

  test('is told when the total fell below what it asks for, or the resource is gone', () => {
    const resources = some()
    resources.define('lic', { total: 1, nodes: new Map() })
    resources.take('n1', [['lic', 3]], 1)
    const [lowered] = blockers(resources, { lic: 2 })
    expect(lowered).toMatchObject({ wayOut: 'ask for 1 or less: --resource lic=1' })
    expect(lowered?.detail).toContain('0 of 1 are free')
    resources.forget('lic')
    expect(blockers(resources, { lic: 2 })).toMatchObject([
      { detail: 'it asks for 2 of resource "lic", which is not defined any more' },
    ])
    // What is given back later is still known.
    resources.take('n1', [['lic', 3]], -1)
    expect(resources.takenInGrid('lic')).toBe(0)
  })

  test('names the jobs that hold most, the tasks of each as one', () => {
    const one = (job: number, amount = 1) => ({ job, owner: job === 9 ? '' : 'ann', amount })
    expect(heldText([])).toBe('nobody holds any')
    expect(heldText([one(1), one(2), one(2), one(9, 5), one(4), one(5)])).toBe(
      'held by job 9 (5), job 2 of ann (2), job 1 of ann (1) and 2 more',
    )
  })
})
