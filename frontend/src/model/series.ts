/** The metric rows of one attempt, as columns; plain arrays outside the framework's state. */
import type { MetricValues } from '../api/types';

export interface Mark {
  step: number;
  path: string;
  value: unknown;
}

export class Series {
  readonly step: number[] = [];
  readonly epoch: number[] = [];
  readonly columns = new Map<string, number[]>();
  readonly marks: Mark[] = [];

  get length(): number {
    return this.step.length;
  }

  column(name: string): readonly number[] {
    return this.columns.get(name) ?? [];
  }

  push(step: number, epoch: number, values: MetricValues): void {
    const row = this.length;
    this.step.push(step);
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(values)) this.cellsOf(name, row).push(value ?? NaN);
    for (const cells of this.columns.values()) if (cells.length === row) cells.push(NaN);
  }

  clear(): void {
    this.step.length = 0;
    this.epoch.length = 0;
    this.marks.length = 0;
    this.columns.clear();
  }

  /** The epoch that belongs to `step`, read off the nearest rows. */
  epochAt(step: number): number {
    let row = this.step.length - 1;
    while (row > 0 && this.step[row]! > step) row -= 1;
    const next = Math.min(row + 1, this.step.length - 1);
    if (row < 0) return 0;
    const span = this.step[next]! - this.step[row]!;
    const share = span > 0 ? (step - this.step[row]!) / span : 0;
    return this.epoch[row]! + share * (this.epoch[next]! - this.epoch[row]!);
  }

  private cellsOf(name: string, row: number): number[] {
    const known = this.columns.get(name);
    if (known) return known;
    const cells = new Array<number>(row).fill(NaN);
    this.columns.set(name, cells);
    return cells;
  }
}
