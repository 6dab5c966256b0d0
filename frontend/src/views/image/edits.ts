/** Changes of a drawing as data: each returns a new graph and leaves the old one alone. */
import type { NodeLike } from './chain';

export interface EditableGraph {
  readonly inputs: readonly { readonly id: string; readonly shape: readonly number[] }[];
  readonly nodes: readonly NodeLike[];
  readonly outputs: readonly string[];
}

/** A name that no node has: the kind in small letters and the next free number. */
export function freeId(graph: EditableGraph, kind: string): string {
  const taken = new Set([...graph.nodes.map((node) => node.id), ...graph.inputs.map((input) => input.id)]);
  const stem = kind.toLowerCase().replace(/[^a-z]+/g, '') || 'node';
  let number = 1;
  while (taken.has(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}

/** Replace the settings of one node. */
export function setParams<G extends EditableGraph>(graph: G, id: string, params: Record<string, unknown>): G {
  return { ...graph, nodes: graph.nodes.map((node) => (node.id === id ? { ...node, params } : node)) };
}

const renamed = (names: readonly string[], from: string, to: string): string[] =>
  names.map((name) => (name === from ? to : name));

/** Put a new node behind `after`: whoever read `after` reads the new node. */
export function insertAfter<G extends EditableGraph>(
  graph: G,
  after: string,
  kind: string,
  params: Record<string, unknown>,
): { graph: G; id: string } {
  const id = freeId(graph, kind);
  const moved = graph.nodes.map((node) => ({ ...node, inputs: renamed(node.inputs, after, id) }));
  const at = moved.findIndex((node) => node.id === after);
  const nodes = [...moved.slice(0, at + 1), { id, kind, params, inputs: [after] }, ...moved.slice(at + 1)];
  return { graph: { ...graph, nodes, outputs: renamed(graph.outputs, after, id) }, id };
}

/** Take a node out: whoever read it reads its first input. The last node cannot be taken out. */
export function removeNode<G extends EditableGraph>(graph: G, id: string): G {
  const gone = graph.nodes.find((node) => node.id === id);
  const source = gone?.inputs[0];
  if (!gone || source === undefined || graph.nodes.length === 1) return graph;
  const nodes = graph.nodes
    .filter((node) => node.id !== id)
    .map((node) => ({ ...node, inputs: renamed(node.inputs, id, source) }));
  return { ...graph, nodes, outputs: renamed(graph.outputs, id, source) };
}
