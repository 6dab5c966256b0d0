/** What the controls change: edits of a spec that look up the catalogue, and what they offer. */
import type { Catalog, DatasetEntry, JsonValue, Params, Report, RunSpec } from '../api/types';
import { columnsOf, datasetOf, endings, setEnding, setInputs, taskOf, type Ending } from './network';
import type { Edit } from './spec';

export const RATES = [0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
export const PENALTY_RATES = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
export const PENALTIES = ['none', 'l1', 'l2'] as const;

/** A list of numbers that contains `now`, in order. */
export function including(numbers: readonly number[], now: number): number[] {
  return numbers.includes(now) ? [...numbers] : [...numbers, now].sort((a, b) => a - b);
}

/** The name of the optimiser setting that is its learning rate. */
export const LEARNING_RATE = 'lr';

export function learningRate(spec: RunSpec, catalog: Catalog): number {
  const given = spec.optimizer.params[LEARNING_RATE];
  if (typeof given === 'number') return given;
  const schema = catalog.optimizers.find(({ kind }) => kind === spec.optimizer.kind)?.schema;
  return Number(schema?.properties?.[LEARNING_RATE]?.default ?? NaN);
}

/** Another optimiser at its own default rate: a rate that suits one seldom suits another. */
export function withOptimizer(kind: string, catalog: Catalog): Edit {
  const schema = catalog.optimizers.find((each) => each.kind === kind)?.schema;
  const fallback = schema?.properties?.[LEARNING_RATE]?.default;
  return (spec) => {
    const rate = typeof fallback === 'number' && kind !== catalog.defaults.optimizer.kind ? fallback : undefined;
    const params = { [LEARNING_RATE]: rate ?? learningRate(catalog.defaults, catalog) };
    return { ...spec, optimizer: { kind, params } };
  };
}

/** A rate with no penalty chosen does nothing, so choosing a penalty picks a small one. */
export function withPenalty(kind: RunSpec['penalty']['kind']): Edit {
  return (spec) => ({
    ...spec,
    penalty: { ...spec.penalty, kind, rate: spec.penalty.rate || (kind === 'none' ? 0 : 0.003) },
  });
}

// Data ---------------------------------------------------------------------------------------------------------------

export function dataDefault(dataset: DatasetEntry | undefined, name: string): unknown {
  return dataset?.schema.properties?.[name]?.default;
}

export function dataParam(spec: RunSpec, catalog: Catalog, name: string): unknown {
  return spec.data.params[name] ?? dataDefault(datasetOf(catalog, spec.data.kind), name);
}

export function featuresOf(spec: RunSpec, catalog: Catalog): string[] {
  return (dataParam(spec, catalog, 'features') as string[] | undefined) ?? [];
}

/** Every feature that the data set offers. */
export function featureChoices(spec: RunSpec, catalog: Catalog): string[] {
  const schema = datasetOf(catalog, spec.data.kind)?.schema.properties?.['features'];
  return (schema?.items?.enum ?? []) as string[];
}

export function withFeatures(features: string[]): Edit {
  return (spec) => {
    const data = { ...spec.data, params: { ...spec.data.params, features } };
    return setInputs({ ...spec, data }, features.length);
  };
}

export function withDataParam(name: string, value: JsonValue): Edit {
  return (spec) => ({ ...spec, data: { ...spec.data, params: { ...spec.data.params, [name]: value } } });
}

/** The settings that another data set knows too; how many examples there are is each set's own affair. */
function carried(params: Params, dataset: DatasetEntry): Params {
  const known = dataset.schema.properties ?? {};
  return Object.fromEntries(Object.entries(params).filter(([name]) => name in known && name !== 'samples'));
}

export function lossTask(spec: RunSpec, catalog: Catalog): string {
  return catalog.losses.find(({ kind }) => kind === spec.loss.kind)?.task ?? 'both';
}

/** The first loss that suits a task: the one at hand, the default one, or the one of a preset on this data set. */
function lossFor(spec: RunSpec, dataset: DatasetEntry, catalog: Catalog): RunSpec['loss'] {
  const preset = catalog.presets.find((each) => each.spec.data.kind === dataset.kind)?.spec.loss;
  const task = lossTask(spec, catalog);
  const many = dataset.classes.length > 2;
  if (many && preset) return preset;
  return task === 'both' || task === dataset.task ? spec.loss : catalog.defaults.loss;
}

/** The specs that may fit another data set, likeliest first. */
export function datasetCandidates(spec: RunSpec, dataset: DatasetEntry, catalog: Catalog): RunSpec[] {
  const data = { kind: dataset.kind, params: carried(spec.data.params, dataset) };
  const next = { ...spec, data, loss: lossFor(spec, dataset, catalog) };
  return endingCandidates(next, catalog);
}

/** The specs with each ending that may fit their loss and data; `report` is that of a run on the same data. */
export function endingCandidates(spec: RunSpec, catalog: Catalog, report: Report | null = null): RunSpec[] {
  const dataset = datasetOf(catalog, spec.data.kind);
  const classes = report?.classes.length || (dataset?.classes.length ?? 1);
  const found = endings(taskOf(dataset, report), classes, lossTask(spec, catalog), catalog);
  return found.map((ending) => withEnding(spec, ending, catalog));
}

function withEnding(spec: RunSpec, ending: Ending, catalog: Catalog): RunSpec {
  return setEnding(columnsOf(spec, null, catalog), ending, catalog)(spec);
}
