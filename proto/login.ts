/** The ways in which an account can prove itself, the surest first: clients try them in this order. */
import { Type } from 'typebox'

/** `file`: on the scheduler's own machine. `munge`: by a MUNGE credential. `home`: by a file in a home that is shared. */
export const loginWays = ['file', 'munge', 'home'] as const
export type LoginWay = (typeof loginWays)[number]
export const LoginWayName = Type.Unsafe<LoginWay>({ type: 'string', enum: [...loginWays] })
