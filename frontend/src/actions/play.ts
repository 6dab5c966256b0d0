import type { Action } from './action';

export const play: Action = {
  id: 'play',
  label: 'action.play',
  keys: [' '],
  when: ({ run }) => run !== null && !run.ended,
  // a pause waits for nothing
  perform: ({ run }) => void (run?.running ? run.command({ op: 'pause' }) : run?.inTurn({ op: 'play' })),
};
