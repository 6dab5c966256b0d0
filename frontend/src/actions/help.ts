import { page } from '../model/page.svelte';
import type { Action } from './action';

export const help: Action = {
  id: 'help',
  label: 'action.help',
  keys: ['?'],
  when: () => true,
  perform: () => (page.help = !page.help),
};
