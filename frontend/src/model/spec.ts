/** Edits of a RunSpec as pure functions, and what a run must be told to follow an edit. */
import type { Command, GraphNode, JsonValue, Params, RunSpec } from '../api/types';

export type Edit = (spec: RunSpec) => RunSpec;

export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => same(left[key], right[key]));
}

/** `spec` with the value at a dotted path replaced: `replace(spec, 'optimizer.params.lr', 0.1)`. */
export function replace<T extends object>(target: T, path: string, value: unknown): T {
  const [head = '', ...rest] = path.split('.');
  const inner = (target as Record<string, unknown>)[head];
  const next = rest.length ? replace((inner ?? {}) as object, rest.join('.'), value) : value;
  return { ...target, [head]: next };
}

export function read(target: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], target);
}

/** A node of a graph; whoever puts it in says what it reads. */
export function layer(id: string, kind: string, params: Params = {}, inputs: string[] = []): GraphNode {
  return { id, kind, params, inputs, shares: null };
}

/** Weights drawn from the seed by each layer's own rule. */
export const SEEDED: RunSpec['initial'] = { kind: 'seed', scheme: 'pytorch' };

export function withNode(spec: RunSpec, id: string, change: (node: GraphNode) => GraphNode): RunSpec {
  const nodes = spec.graph.nodes.map((node) => (node.id === id ? change(node) : node));
  return { ...spec, graph: { ...spec.graph, nodes } };
}

export function withParams(spec: RunSpec, id: string, params: Params): RunSpec {
  return withNode(spec, id, (node) => ({ ...node, params: { ...node.params, ...params } }));
}

/** A fresh node id: `stem` and the first free number. */
export function freshId(spec: RunSpec, stem: string): string {
  const taken = new Set([...spec.graph.nodes, ...spec.graph.inputs].map((node) => node.id));
  let number = 1;
  while (taken.has(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}

/** Put `nodes` (a chain) after node or input `after`: whatever read `after` reads the chain's end. */
export function insertAfter(spec: RunSpec, after: string, nodes: GraphNode[]): RunSpec {
  const last = nodes.at(-1);
  if (!last) return spec;
  const chain = nodes.map((node, i) => ({ ...node, inputs: [i ? nodes[i - 1]!.id : after] }));
  const redirect = (id: string) => (id === after ? last.id : id);
  const others = spec.graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(redirect) }));
  const at = others.findIndex((node) => node.id === after) + 1;
  const graph = {
    ...spec.graph,
    nodes: [...others.slice(0, at), ...chain, ...others.slice(at)],
    outputs: spec.graph.outputs.map(redirect),
  };
  return { ...spec, graph };
}

/** Take nodes out; whatever read them reads what they read. */
export function removeNodes(spec: RunSpec, ids: readonly string[]): RunSpec {
  const gone = new Map(spec.graph.nodes.filter((node) => ids.includes(node.id)).map((node) => [node.id, node]));
  const redirect = (id: string): string => {
    const node = gone.get(id);
    return node?.inputs[0] ? redirect(node.inputs[0]) : id;
  };
  const nodes = spec.graph.nodes
    .filter((node) => !gone.has(node.id))
    .map((node) => ({ ...node, inputs: node.inputs.map(redirect) }));
  return { ...spec, graph: { ...spec.graph, nodes, outputs: spec.graph.outputs.map(redirect) } };
}

/** Given arrays fit one graph only: when the graph changes, weights are drawn from the seed (those that fit are kept). */
export function withFittingStart(before: RunSpec, after: RunSpec): RunSpec {
  if (after.initial.kind !== 'arrays' || !same(before.initial, after.initial)) return after;
  return same(before.graph, after.graph) ? after : { ...after, initial: SEEDED };
}

/** What may change while a run trains, coarse enough to be exact and fine enough to be marked on the chart. */
const LIVE = ['optimizer', 'penalty', 'batches', 'schedule', 'loss', 'pace', 'until', 'data', 'seeds', 'tier'] as const;

const LEAVES: Record<string, readonly string[]> = {
  optimizer: ['optimizer.params.lr'],
  penalty: ['penalty.rate'],
  batches: ['batches.size'],
  data: ['data.params.noise'],
  seeds: ['seeds.data'],
};

function liveChange(before: RunSpec, after: RunSpec, part: string): Command[] {
  // A spec is JSON through and through, which its interfaces cannot say.
  const whole = after[part as keyof RunSpec] as JsonValue;
  if (same(before[part as keyof RunSpec], whole)) return [];
  for (const path of LEAVES[part] ?? []) {
    const value = read(after, path) as JsonValue;
    if (same(replace(before, path, value)[part as keyof RunSpec], whole)) return [{ op: 'set', path, value }];
  }
  return [{ op: 'set', path: part, value: whole }];
}

function needsEdit(before: RunSpec, after: RunSpec): boolean {
  const fixed = ['graph', 'initial', 'device', 'version'] as const;
  if (fixed.some((part) => !same(before[part], after[part]))) return true;
  const { batches: a, seeds: s } = before;
  const { batches: b, seeds: r } = after;
  if (a.order !== b.order || a.last !== b.last || s.weights !== r.weights || s.batches !== r.batches) return true;
  return before.data.kind !== after.data.kind;
}

/** The commands that make a run of `before` a run of `after`: live settings where possible, else a new attempt. */
export function commandsBetween(before: RunSpec, after: RunSpec, keep = true): Command[] {
  if (same(before, after)) return [];
  if (needsEdit(before, after)) return [{ op: 'edit', spec: after, keep }];
  return LIVE.flatMap((part) => liveChange(before, after, part));
}
