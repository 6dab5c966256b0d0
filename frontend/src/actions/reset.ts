import type { Action } from './action';

export const reset: Action = {
  id: 'reset',
  label: 'action.reset',
  keys: ['r'],
  when: ({ run }) => run !== null,
  perform: ({ run }) => void run?.inTurn({ op: 'reset' }),
};
