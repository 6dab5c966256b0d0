import { page } from '../model/page.svelte';
import type { Action } from './action';

export const step: Action = {
  id: 'step',
  label: 'action.step',
  keys: ['s'],
  when: ({ run }) => run !== null && !run.ended,
  perform: ({ run }) => void run?.inTurn({ op: 'step', unit: page.stepUnit, count: 1 }),
};
