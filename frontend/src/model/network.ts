/** A sequential network as columns of units, and the edits that keep it one. Families and schemas come from the catalogue. */
import type { Catalog, DatasetEntry, GraphNode, LayerEntry, Report, RunSpec } from '../api/types';
import { freshId, insertAfter, layer, removeNodes, withNode, withParams, type Edit } from './spec';

const HEADS = ['linear', 'convolution'];

export interface Column {
  role: 'input' | 'hidden' | 'output';
  /** The node that begins the column (its weights), or null for the input. */
  head: GraphNode | null;
  /** What follows in the same column: activation, normalisation, dropout. */
  tail: GraphNode[];
  /** The id whose output is drawn. */
  shown: string;
  units: number;
  weight: string | null;
  bias: string | null;
}

export function layerOf(catalog: Catalog, kind: string): LayerEntry | undefined {
  return catalog.layers.find((layer) => layer.kind === kind);
}

export function datasetOf(catalog: Catalog, kind: string): DatasetEntry | undefined {
  return catalog.datasets.find((dataset) => dataset.kind === kind);
}

/** What a run does: a table's task is known from its file alone, so the run's check says it. */
export function taskOf(dataset: DatasetEntry | undefined, report: Report | null): DatasetEntry['task'] {
  if (dataset?.input === 'table' && report) return report.classes.length ? 'classification' : 'regression';
  return dataset?.task ?? 'classification';
}

function family(catalog: Catalog, node: GraphNode): string {
  return layerOf(catalog, node.kind)?.family ?? '';
}

/** The nodes from the input to the first output, following first inputs. */
export function chain(spec: RunSpec): GraphNode[] {
  const byId = new Map(spec.graph.nodes.map((node) => [node.id, node]));
  const found: GraphNode[] = [];
  let node = byId.get((spec.graph.outputs[0] ?? '').split('.')[0]!);
  while (node && !found.includes(node)) {
    found.unshift(node);
    node = byId.get((node.inputs[0] ?? '').split('.')[0]!);
  }
  return found;
}

function unitsOf(report: Report | null, id: string, node: GraphNode | null): number {
  const shape = report?.shapes[id]?.[0];
  if (shape) return shape.reduce((product, side) => product * side, 1);
  const width = Object.values(node?.params ?? {}).find((value) => Number.isInteger(value));
  return typeof width === 'number' ? width : 1;
}

function parameterNames(report: Report | null, head: GraphNode): { weight: string | null; bias: string | null } {
  const known = report?.parameters[head.id];
  if (!known) return { weight: null, bias: null };
  const nameOf = (rank: number) => known.find(({ shape }) => shape.length === rank)?.name;
  const full = (name: string | undefined) => (name ? `${head.id}.${name}` : null);
  return { weight: full(nameOf(2)), bias: full(nameOf(1)) };
}

export function columnsOf(spec: RunSpec, report: Report | null, catalog: Catalog): Column[] {
  const input = spec.graph.inputs[0];
  const inputUnits = (input?.shape ?? []).reduce((product, side) => product * side, 1);
  const first = { head: null, tail: [], shown: input?.id ?? '', units: inputUnits, weight: null, bias: null };
  const columns: Column[] = [{ role: 'input', ...first }];
  for (const node of chain(spec)) {
    const column = columns.at(-1)!;
    if (HEADS.includes(family(catalog, node))) {
      const names = parameterNames(report, node);
      columns.push({
        role: 'hidden',
        head: node,
        tail: [],
        shown: node.id,
        units: unitsOf(report, node.id, node),
        ...names,
      });
    } else {
      column.tail.push(node);
      column.shown = node.id;
      if (report) column.units = unitsOf(report, node.id, column.head);
    }
  }
  if (columns.length > 1) columns.at(-1)!.role = 'output';
  return columns;
}

/** The activation at the end of a column, or null. */
export function activationOf(column: Column, catalog: Catalog): GraphNode | null {
  return column.tail.find((node) => family(catalog, node) === 'activation') ?? null;
}

/** The setting of a layer that says how many units it has: the first whole number that must be given. */
export function widthSetting(layer: LayerEntry | undefined): string | null {
  const required = layer?.schema.required ?? [];
  return required.find((name) => layer?.schema.properties?.[name]?.type === 'integer') ?? required[0] ?? null;
}

/** The activations a whole network can be switched to: those without a setting that must be given, and without an axis. */
export function activations(catalog: Catalog): LayerEntry[] {
  return catalog.layers.filter(({ family: of, schema }) => {
    const names = Object.keys(schema.properties ?? {});
    return of === 'activation' && !schema.required?.length && !names.includes('dim');
  });
}

// Edits --------------------------------------------------------------------------------------------------------------

export function setUnits(column: Column, units: number, catalog: Catalog): Edit {
  const { head } = column;
  const setting = head && widthSetting(layerOf(catalog, head.kind));
  return (spec) => (head && setting ? withParams(spec, head.id, { [setting]: units }) : spec);
}

function denseLayer(catalog: Catalog): LayerEntry | undefined {
  return catalog.layers.find((layer) => layer.family === 'linear' && widthSetting(layer));
}

/** Add a hidden layer of `units` before the output, with the activation that the last hidden layer has. */
export function addLayer(columns: Column[], units: number, catalog: Catalog): Edit {
  const dense = denseLayer(catalog);
  const before = columns.at(-2);
  if (!dense || !before) return (spec) => spec;
  const model = [...columns].reverse().find((column) => column.role === 'hidden' && activationOf(column, catalog));
  const kind = (model && activationOf(model, catalog)?.kind) ?? defaultActivation(catalog);
  return (spec) => {
    const id = freshId(spec, 'hidden');
    const head = layer(id, dense.kind, { [widthSetting(dense)!]: units });
    const next = kind ? [layer(freshId(spec, 'act'), kind)] : [];
    return insertAfter(spec, before.shown, [head, ...next]);
  };
}

/** Take a whole column out. */
export function removeLayer(column: Column): Edit {
  const ids = [...(column.head ? [column.head.id] : []), ...column.tail.map((node) => node.id)];
  return (spec) => removeNodes(spec, ids);
}

/** The activation of the default spec. */
export function defaultActivation(catalog: Catalog): string | null {
  const kinds = catalog.defaults.graph.nodes.map((node) => node.kind);
  return kinds.find((kind) => layerOf(catalog, kind)?.family === 'activation') ?? null;
}

/** Give one column the activation `kind`, or none. */
export function setActivation(column: Column, kind: string | null, catalog: Catalog): Edit {
  const old = activationOf(column, catalog);
  if (old && kind) return (spec) => withNode(spec, old.id, (node) => ({ ...node, kind, params: {} }));
  if (old) return (spec) => removeNodes(spec, [old.id]);
  const { head } = column;
  if (!kind || !head) return (spec) => spec;
  return (spec) => insertAfter(spec, head.id, [layer(freshId(spec, 'act'), kind)]);
}

/** Give every hidden column the activation `kind`. */
export function setActivations(columns: Column[], kind: string | null, catalog: Catalog): Edit {
  const hidden = columns.filter((column) => column.role === 'hidden');
  return (spec) => hidden.reduce((next, column) => setActivation(column, kind, catalog)(next), spec);
}

export interface Ending {
  units: number;
  activation: string | null;
}

/** The endings of a network that may fit a loss on a data set, likeliest first: the server's check decides. */
export function endings(task: string, classes: number, lossTask: string, catalog: Catalog): Ending[] {
  if (task === 'regression') return [{ units: 1, activation: null }];
  const logits = [
    { units: 1, activation: null },
    { units: classes, activation: null },
  ];
  if (classes > 2) return [logits[1]!];
  if (lossTask === 'classification') return logits;
  return [{ units: 1, activation: defaultActivation(catalog) }];
}

/** Let the network end in `ending`. */
export function setEnding(columns: Column[], ending: Ending, catalog: Catalog): Edit {
  const output = columns.at(-1);
  if (!output?.head) return (spec) => spec;
  return (spec) => setUnits(output, ending.units, catalog)(setActivation(output, ending.activation, catalog)(spec));
}

/** Let the network read `width` inputs. */
export function setInputs(spec: RunSpec, width: number): RunSpec {
  const inputs = spec.graph.inputs.map((input, i) => (i ? input : { ...input, shape: [width] }));
  return { ...spec, graph: { ...spec.graph, inputs } };
}
