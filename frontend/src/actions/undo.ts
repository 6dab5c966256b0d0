import type { Action } from './action';

export const undo: Action = {
  id: 'undo',
  label: 'action.undo',
  keys: ['Ctrl+z'],
  when: ({ run }) => run?.history.canUndo ?? false,
  perform: ({ run }) => void run?.undo(),
};
