import { describe, expect, it } from 'vitest';
import { chain, filtersOf, isSequential, shapeText, topological } from './chain';
import { freeId, insertAfter, removeNode, setParams } from './edits';

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

describe('an edit', () => {
  it('puts a layer between two others', () => {
    const { graph: edited, id } = insertAfter(graph, 'conv1', 'BatchNorm2d', {});
    expect(id).toBe('batchnormd1');
    expect(edited.nodes.find((node) => node.id === 'relu1')?.inputs).toEqual([id]);
    expect(edited.nodes.find((node) => node.id === id)?.inputs).toEqual(['conv1']);
  });

  it('makes a layer behind the output the new output', () => {
    const { graph: edited, id } = insertAfter(graph, 'out', 'Softmax', {});
    expect(edited.outputs).toEqual([id]);
  });

  it('behind the input moves the readers of the input', () => {
    const { graph: edited, id } = insertAfter(graph, 'x', 'Dropout', {});
    expect(edited.nodes.find((node) => node.id === 'conv1')?.inputs).toEqual([id]);
  });

  it('takes a layer out and closes the gap', () => {
    const edited = removeNode(graph, 'relu1');
    expect(edited.nodes.map((node) => node.id)).toEqual(['conv1', 'out']);
    expect(edited.nodes[1]?.inputs).toEqual(['conv1']);
    expect(removeNode(removeNode(removeNode(graph, 'out'), 'relu1'), 'conv1').nodes).toHaveLength(1);
  });

  it('leaves the old graph alone and names no node twice', () => {
    const before = JSON.stringify(graph);
    setParams(graph, 'conv1', { out_channels: 8 });
    removeNode(graph, 'conv1');
    expect(JSON.stringify(graph)).toBe(before);
    expect(freeId({ ...graph, nodes: [{ id: 'relu1', kind: 'ReLU', inputs: [] }] }, 'ReLU')).toBe('relu2');
  });
});
