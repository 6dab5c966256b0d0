/** A drawing read as a chain of layer blocks: pure, knows families and shapes, no layer by name. */

export interface NodeLike {
  readonly id: string;
  readonly kind: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
}

export interface GraphLike {
  readonly inputs: readonly { readonly id: string; readonly shape: readonly number[] }[];
  readonly nodes: readonly NodeLike[];
  readonly outputs: readonly string[];
}

export interface ParameterLike {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface ReportLike {
  readonly shapes: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly parameters: Readonly<Record<string, readonly ParameterLike[]>>;
}

/** How a block's output is drawn: maps of pixels, a strip of numbers, or nothing while its shape is unknown. */
export type Drawing = 'maps' | 'strip' | 'unknown';

export interface Block {
  readonly id: string;
  readonly kind: string;
  readonly family: string;
  /** Shape of one example, [] while unknown. */
  readonly shape: readonly number[];
  readonly drawing: Drawing;
  readonly parameters: readonly ParameterLike[];
  readonly count: number;
  readonly inputs: readonly string[];
  readonly isInput: boolean;
  readonly isOutput: boolean;
}

const nodeOf = (reference: string): string => reference.split('.')[0] ?? reference;
export const product = (shape: readonly number[]): number => shape.reduce((all, each) => all * each, 1);

/** Nodes so that each comes after its inputs; nodes of a cycle (the check names it) keep their places at the end. */
export function topological(nodes: readonly NodeLike[]): NodeLike[] {
  const known = new Set(nodes.map((node) => node.id));
  const placed = new Set<string>();
  const ordered: NodeLike[] = [];
  let waiting = [...nodes];
  const ready = (node: NodeLike): boolean =>
    node.inputs.every((input) => !known.has(nodeOf(input)) || placed.has(nodeOf(input)));
  while (waiting.length > 0) {
    const next = waiting.find(ready);
    if (!next) break;
    ordered.push(next);
    placed.add(next.id);
    waiting = waiting.filter((node) => node !== next);
  }
  return [...ordered, ...waiting];
}

export function drawingOf(shape: readonly number[]): Drawing {
  if (shape.length === 3) return 'maps';
  return shape.length === 1 ? 'strip' : 'unknown';
}

/** The blocks from left to right: inputs, then nodes in topological order. */
export function chain(graph: GraphLike, report: ReportLike | null, families: ReadonlyMap<string, string>): Block[] {
  const outputs = new Set(graph.outputs.map(nodeOf));
  const inputs = graph.inputs.map((input) => block(input.id, '', 'input', input.shape, [], [], outputs.has(input.id)));
  const nodes = topological(graph.nodes).map((node) =>
    block(
      node.id,
      node.kind,
      families.get(node.kind) ?? 'unknown',
      report?.shapes[node.id]?.[0] ?? [],
      report?.parameters[node.id] ?? [],
      node.inputs,
      outputs.has(node.id),
    ),
  );
  return [...inputs, ...nodes];
}

function block(
  id: string,
  kind: string,
  family: string,
  shape: readonly number[],
  parameters: readonly ParameterLike[],
  inputs: readonly string[],
  isOutput: boolean,
): Block {
  const count = parameters.reduce((sum, parameter) => sum + product(parameter.shape), 0);
  const drawing = drawingOf(shape);
  return { id, kind, family, shape, drawing, parameters, count, inputs, isInput: family === 'input', isOutput };
}

/** True when every block feeds exactly the next one: then the arrows between neighbours say everything. */
export function isSequential(blocks: readonly Block[]): boolean {
  return blocks.every(
    (each, i) => i === 0 || (each.inputs.length === 1 && nodeOf(each.inputs[0] ?? '') === blocks[i - 1]?.id),
  );
}

/** The filters of a block: its parameter with four axes (out, in, height, width), if it has one. */
export const filtersOf = (each: Block): ParameterLike | null =>
  each.parameters.find((parameter) => parameter.shape.length === 4) ?? null;

/** "6 × 28 × 28" */
export const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? '?' : shape.join(' × '));
