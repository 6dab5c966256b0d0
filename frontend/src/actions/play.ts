import type { Action } from './action';

export const play: Action = {
  id: 'play',
  label: 'action.play',
  keys: [' '],
  when: ({ run }) => run !== null && !run.ended,
  perform: ({ run }) => void run?.command({ op: run.running ? 'pause' : 'play' }),
};
