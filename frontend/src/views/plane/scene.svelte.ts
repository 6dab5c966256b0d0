/** The drawn network of a run: its columns, the features it reads and offers, and the topics that show it. */
import type { Catalog } from '../../api/types';
import { featureSign } from '../../lib/features';
import { subscript } from '../../lib/format';
import { featureChoices, featuresOf } from '../../model/choices';
import { columnsOf, datasetOf, type Column } from '../../model/network';
import type { RunModel } from '../../model/run.svelte';
import type { Target } from './selection.svelte';
import { t } from './text';

export const TILE_SIZE = 20;
export const BIG_SIZE = 100;

export class Scene {
  readonly columns: Column[] = $derived.by(() => columnsOf(this.run.spec, this.run.report, this.catalog));
  readonly dataset = $derived.by(() => datasetOf(this.catalog, this.run.spec.data.kind));
  readonly features = $derived.by(() => featuresOf(this.run.spec, this.catalog));
  /** Every feature that can be read; without a choice the inputs as they are. */
  readonly choices: string[] = $derived.by(() => {
    const offered = featureChoices(this.run.spec, this.catalog);
    return offered.length ? offered : this.features;
  });
  /** Which tile of the input column each input of the network is. */
  readonly reads = $derived.by(() => this.features.map((name) => this.choices.indexOf(name)));
  /** Tiles per column. */
  readonly tiles = $derived.by(() => this.columns.map(({ units }, i) => (i ? units : this.choices.length)));

  constructor(
    readonly run: RunModel,
    readonly catalog: Catalog,
  ) {}

  get last(): number {
    return this.columns.length - 1;
  }

  mapTopic(column: number): string {
    return `map?node=${encodeURIComponent(this.columns[column]!.shown)}&size=${TILE_SIZE}`;
  }

  bigTopic(target: Target | null): string {
    const column = target && this.columns[target.column];
    if (!target || !column || (target.column === this.last && column.units === 1)) return `decision?size=${BIG_SIZE}`;
    const unit = target.column === 0 ? this.reads.indexOf(target.unit) : target.unit;
    if (unit < 0) return `decision?size=${BIG_SIZE}`;
    return `map?node=${encodeURIComponent(column.shown)}&size=${BIG_SIZE}&unit=${unit}`;
  }

  /** The name of a unit in a sentence. */
  unitName({ column, unit }: Pick<Target, 'column' | 'unit'>): string {
    if (column === 0) return t('features.one', { name: featureSign(this.choices[unit] ?? '') });
    if (column < this.last) return t('neuron', { unit: unit + 1, layer: column });
    if (this.columns[column]?.units === 1) return t('neuron.only');
    return t('neuron.output', { unit: this.dataset?.classes[unit] ?? unit + 1 });
  }

  /** A unit in a formula: x₁, h¹₂ written as h₁,₂, y₁. */
  unitSign(column: number, unit: number): string {
    if (column === 0) return featureSign(this.features[unit] ?? `x${subscript(unit + 1)}`);
    if (column === this.last) return `y${subscript(unit + 1)}`;
    return `h${subscript(column)}₋${subscript(unit + 1)}`.replace('₋', '\u200a·\u200a');
  }

  /** The network's own index of a drawn unit: features that are left out have none. */
  inputOf(unit: number): number {
    return this.reads.indexOf(unit);
  }
}

/** The topics of a parameter and of its gradient. */
export const valueTopic = (name: string) => `parameter?name=${encodeURIComponent(name)}`;
export const gradientTopic = (name: string) => `gradient?name=${encodeURIComponent(name)}`;

/** One number of a parameter's or gradient's newest picture, whole or in bytes. */
export function numberAt(run: RunModel, topic: string, index: number): number {
  const block = run.picture(topic)?.['value'];
  const value = block?.data[index];
  if (!block || value === undefined) return NaN;
  return block.dtype === 'u8' ? block.lo + ((block.hi - block.lo) * value) / 255 : value;
}
