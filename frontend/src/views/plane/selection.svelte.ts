/** What is looked at: under the pointer or the focus, and what was clicked to be kept. */

export interface Target {
  column: number;
  unit: number;
  /** Which incoming line (index of its source), `bias`, or the unit as a whole. */
  part: number | 'bias' | 'unit';
}

export function sameTarget(a: Target | null, b: Target | null): boolean {
  return a === b || (!!a && !!b && a.column === b.column && a.unit === b.unit && a.part === b.part);
}

export class Selection {
  private passing = $state.raw<Target | null>(null);
  kept = $state.raw<Target | null>(null);
  readonly shown = $derived(this.passing ?? this.kept);
  /** Whether the shown target is the one that was kept: only then it can be edited. */
  readonly editable = $derived(this.kept !== null && sameTarget(this.shown, this.kept));

  look(target: Target | null): void {
    if (!sameTarget(this.passing, target)) this.passing = target;
  }

  keep(target: Target): void {
    this.kept = target;
    this.passing = null;
  }

  release(): void {
    this.kept = null;
    this.passing = null;
  }
}
