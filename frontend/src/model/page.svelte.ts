/** What this page shows beside the run: never part of a spec. */

import { readPlace } from './url';

export type StepUnit = 'batch' | 'epoch';

/** What can be shown beside the network; part of the address. */
export type Shown = 'test' | 'steps';

class Page {
  private shown = $state.raw<readonly string[]>(readPlace(globalThis.location?.hash ?? '').show);

  stepUnit = $state<StepUnit>('epoch');
  help = $state(false);
  /** The dialog that is open, by its id, or null. */
  dialog = $state<string | null>(null);

  get show(): readonly string[] {
    return this.shown;
  }

  shows(what: Shown): boolean {
    return this.shown.includes(what);
  }

  setShown(what: Shown, on: boolean): void {
    const others = this.shown.filter((each) => each !== what);
    this.shown = on ? [...others, what].sort() : others;
  }
}

export const page = new Page();
