/** What this page shows beside the run: never part of a spec. */

export type StepUnit = 'batch' | 'epoch';

class Page {
  stepUnit = $state<StepUnit>('epoch');
  help = $state(false);
  /** The dialog that is open, by its id, or null. */
  dialog = $state<string | null>(null);
}

export const page = new Page();
