/** What a site switches on for what runs on a node: the same for `eg up` and `eg exec-node`. */
export const nodeOptions = {
  'private-tmp': { help: 'give each run a /tmp of its own (takes root)' },
} as const
