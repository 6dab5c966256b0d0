/** From an uploaded table to a run that learns from it: pure. */
import type { RunSpec } from '../api/types';
import { SEEDED, layer } from '../model/spec';

export interface Column {
  readonly name: string;
  readonly kind: 'number' | 'category';
  readonly distinct: number;
}

export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly suggested_target: string;
  /** The first rows, as lists in the order of the columns or as records. */
  readonly sample: readonly (readonly unknown[] | Readonly<Record<string, unknown>>)[];
}

export type Task = 'classification' | 'regression';

/** A number column with few different values is a class until somebody says otherwise. */
const FEW = 10;

export function usualTask(column: Column | undefined): Task {
  if (!column || column.kind === 'category') return 'classification';
  return column.distinct <= FEW ? 'classification' : 'regression';
}

/** How many numbers the columns give: one for a number, one for each text of a category. */
export function inputsOf(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + (column.kind === 'number' ? 1 : column.distinct), 0);
}

export interface Choice {
  readonly target: string;
  readonly features: readonly string[];
  readonly task: Task;
}

/** A run with one hidden layer on the chosen columns; everything else as in `defaults`. */
export function csvSpec(defaults: RunSpec, upload: Upload, choice: Choice): RunSpec {
  const { target, features, task } = choice;
  const goal = upload.columns.find((column) => column.name === target);
  const inputs = inputsOf(upload.columns.filter((column) => features.includes(column.name)));
  const classes = task === 'classification';
  return {
    ...defaults,
    graph: network(inputs, classes ? (goal?.distinct ?? 2) : 1),
    data: { kind: 'csv', params: { file: upload.id, target, columns: [...features], task } },
    loss: { kind: classes ? 'CrossEntropyLoss' : 'MSELoss', params: {} },
    optimizer: { kind: 'Adam', params: { lr: 0.01 } },
    initial: SEEDED,
  };
}

function network(inputs: number, outputs: number): RunSpec['graph'] {
  return {
    version: 1,
    inputs: [{ id: 'x', shape: [inputs], dtype: 'float32' }],
    nodes: [
      layer('hidden1', 'Linear', { out_features: 16 }, ['x']),
      layer('act1', 'ReLU', {}, ['hidden1']),
      layer('output', 'Linear', { out_features: outputs }, ['act1']),
    ],
    outputs: ['output'],
    layout: {},
  };
}

/** The cells of one sample row, in the order of the columns. */
export function cellsOf(row: Upload['sample'][number], columns: readonly Column[]): string[] {
  const cells = Array.isArray(row) ? row : columns.map((column) => (row as Record<string, unknown>)[column.name]);
  return cells.map((cell) => (cell === null || cell === undefined ? '' : String(cell)));
}

/** A small table of flowers' measures, made up for trying: two measures part three kinds. */
export function sampleTable(): string {
  const rows = ['length,width,kind'];
  const kinds = [
    ['small', 2.1, 0.6],
    ['middle', 4.4, 1.4],
    ['large', 6.2, 2.2],
  ] as const;
  for (let i = 0; i < 90; i++) {
    const [name, length, width] = kinds[i % 3]!;
    const [a, b] = [Math.sin(i * 12.9898) * 0.7, Math.sin(i * 78.233) * 0.3];
    rows.push(`${(length + a).toFixed(2)},${(width + b).toFixed(2)},${name}`);
  }
  return `${rows.join('\n')}\n`;
}
