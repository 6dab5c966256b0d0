/** Undo and redo over immutable values. */
const DEEPEST = 100;

export class History<T> {
  private past = $state.raw<T[]>([]);
  private future = $state.raw<T[]>([]);

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** Remember `before`, the value that an edit is about to replace. */
  remember(before: T): void {
    this.past = [...this.past, before].slice(-DEEPEST);
    this.future = [];
  }

  /** The value to go back to from `now`, or null. */
  undo(now: T): T | null {
    const value = this.past.at(-1) ?? null;
    if (value === null) return null;
    this.past = this.past.slice(0, -1);
    this.future = [...this.future, now];
    return value;
  }

  redo(now: T): T | null {
    const value = this.future.at(-1) ?? null;
    if (value === null) return null;
    this.future = this.future.slice(0, -1);
    this.past = [...this.past, now];
    return value;
  }
}
