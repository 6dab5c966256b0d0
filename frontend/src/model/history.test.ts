import { expect, it } from 'vitest';
import { History } from './history.svelte';

it('undo and redo walk the same values, and a new edit ends the future', () => {
  const history = new History<number>();
  history.remember(1);
  history.remember(2);
  expect(history.undo(3)).toBe(2);
  expect(history.undo(2)).toBe(1);
  expect(history.canUndo).toBe(false);
  expect(history.redo(1)).toBe(2);
  history.remember(2);
  expect(history.canRedo).toBe(false);
});
