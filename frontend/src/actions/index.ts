/** Every verb of the page, and the keys that call them. */
import type { Session } from '../model/session.svelte';
import type { Action } from './action';
import { help } from './help';
import { play } from './play';
import { redo } from './redo';
import { reset } from './reset';
import { step } from './step';
import { undo } from './undo';

export { help, play, redo, reset, step, undo };
export type { Action };

export const ACTIONS: readonly Action[] = [play, step, reset, undo, redo, help];

const TYPING = 'input:not([type=checkbox]):not([type=range]):not([type=radio]), select, textarea, [contenteditable]';

/** How a key press is written in `Action.keys`. */
export function chord(event: KeyboardEvent): string {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return (command ? 'Ctrl+' : '') + (command && event.shiftKey ? 'Shift+' : '') + key;
}

/** Whether the element wants this key for itself: text fields want all, buttons want Space. */
function keepsKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest(TYPING)) return true;
  return key === ' ' && target.closest('button, a, input, summary, [role=button]') !== null;
}

/** Perform the verb that a key press means; true when there was one. */
export function performKey(event: KeyboardEvent, session: Session): boolean {
  const pressed = chord(event);
  if (event.defaultPrevented || event.altKey || keepsKey(event.target, event.key)) return false;
  const action = ACTIONS.find(({ keys }) => keys.includes(pressed));
  if (!action || !action.when(session)) return false;
  event.preventDefault();
  action.perform(session);
  return true;
}
