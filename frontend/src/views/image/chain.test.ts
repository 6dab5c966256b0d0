import { describe, expect, it } from 'vitest';
import { chain, filtersOf, isSequential, shapeText, topological } from './chain';

const graph = {
  inputs: [{ id: 'x', shape: [1, 32, 32] }],
  nodes: [
    { id: 'relu1', kind: 'ReLU', params: {}, inputs: ['conv1'] },
    { id: 'conv1', kind: 'Conv2d', params: { out_channels: 6 }, inputs: ['x'] },
    { id: 'out', kind: 'Linear', params: {}, inputs: ['relu1'] },
  ],
  outputs: ['out'],
};
const report = {
  shapes: { x: [[1, 32, 32]], conv1: [[6, 28, 28]], relu1: [[6, 28, 28]], out: [[10]] },
  parameters: {
    conv1: [
      { name: 'weight', shape: [6, 1, 5, 5] },
      { name: 'bias', shape: [6] },
    ],
  },
};
const families = new Map([['Conv2d', 'convolution']]);

describe('a chain', () => {
  it('comes in the order in which numbers flow', () => {
    expect(chain(graph, report, families).map((block) => block.id)).toEqual(['x', 'conv1', 'relu1', 'out']);
  });

  it('counts parameters and says how each block is drawn', () => {
    const [input, conv, , out] = chain(graph, report, families);
    expect(conv).toMatchObject({ count: 156, drawing: 'maps', family: 'convolution' });
    expect(out).toMatchObject({ drawing: 'strip', isOutput: true });
    expect(input).toMatchObject({ isInput: true, drawing: 'maps' });
    expect(filtersOf(conv!)?.shape).toEqual([6, 1, 5, 5]);
    expect(filtersOf(out!)).toBeNull();
  });

  it('draws nothing where the shape is unknown', () => {
    expect(chain(graph, null, families)[1]).toMatchObject({ drawing: 'unknown', shape: [] });
    expect(shapeText([])).toBe('?');
    expect(shapeText([6, 28, 28])).toBe('6 × 28 × 28');
  });

  it('knows a sequence from a branching graph', () => {
    expect(isSequential(chain(graph, report, families))).toBe(true);
    const branching = { ...graph, nodes: [...graph.nodes, { id: 'add', kind: 'Add', inputs: ['conv1', 'relu1'] }] };
    expect(isSequential(chain(branching, report, families))).toBe(false);
  });

  it('keeps the nodes of a cycle', () => {
    const cycle = [
      { id: 'a', kind: 'ReLU', inputs: ['b'] },
      { id: 'b', kind: 'ReLU', inputs: ['a'] },
    ];
    expect(topological(cycle)).toEqual(cycle);
  });
});
