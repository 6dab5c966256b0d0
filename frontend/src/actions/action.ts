/** A verb: its words, its key, when it can be done, and what it does. */
import type { Key } from '../i18n/index.svelte';
import type { Session } from '../model/session.svelte';

export interface Action {
  id: string;
  label: Key;
  /** As a KeyboardEvent's `key`, with `Ctrl+` and `Shift+` before it where they are meant. */
  keys: readonly string[];
  when(session: Session): boolean;
  perform(session: Session): void;
}
