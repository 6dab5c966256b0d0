import type { Action } from './action';

export const redo: Action = {
  id: 'redo',
  label: 'action.redo',
  keys: ['Ctrl+Shift+z', 'Ctrl+y'],
  when: ({ run }) => run?.history.canRedo ?? false,
  perform: ({ run }) => void run?.redo(),
};
