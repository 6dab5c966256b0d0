import { describe, expect, it } from 'vitest';
import type { RunSpec } from '../api/types';
import { spec } from './example';
import { commandsBetween, freshId, insertAfter, layer, removeNodes, replace, same, withFittingStart } from './spec';

describe('an edit', () => {
  it('leaves the old spec as it was', () => {
    const before = structuredClone(spec);
    replace(spec, 'optimizer.params.lr', 1);
    removeNodes(spec, ['hidden1']);
    expect(spec).toEqual(before);
  });

  it('that takes a node out joins its neighbours', () => {
    const after = removeNodes(spec, ['act1', 'out']);
    expect(after.graph.nodes.map(({ id, inputs }) => [id, inputs])).toEqual([
      ['hidden1', ['x']],
      ['output', ['hidden1']],
    ]);
    expect(after.graph.outputs).toEqual(['output']);
  });

  it('that inserts a chain lets the readers read its end', () => {
    const id = freshId(spec, 'hidden');
    const after = insertAfter(spec, 'act1', [layer(id, 'Linear')]);
    expect(id).toBe('hidden2');
    expect(after.graph.nodes.find((node) => node.id === id)?.inputs).toEqual(['act1']);
    expect(after.graph.nodes.find((node) => node.id === 'output')?.inputs).toEqual([id]);
  });

  it('of the graph gives up weights that were given as arrays', () => {
    const given: RunSpec = { ...spec, initial: { kind: 'arrays', arrays: {} } };
    expect(withFittingStart(given, removeNodes(given, ['act1'])).initial.kind).toBe('seed');
    expect(withFittingStart(given, replace(given, 'batches.size', 3)).initial.kind).toBe('arrays');
  });
});

describe('the commands between two specs', () => {
  it('are none for the same spec', () => {
    expect(commandsBetween(spec, structuredClone(spec))).toEqual([]);
  });

  it.each([
    ['optimizer.params.lr', 0.1],
    ['penalty.rate', 0.01],
    ['batches.size', 5],
    ['data.params.noise', 20],
    ['seeds.data', 7],
  ])('set %s alone without a reset', (path, value) => {
    expect(commandsBetween(spec, replace(spec, path, value))).toEqual([{ op: 'set', path, value }]);
  });

  it('set the whole part when more than its leaf changed', () => {
    const optimizer = { kind: 'Adam', params: { lr: 0.001 } };
    expect(commandsBetween(spec, { ...spec, optimizer })).toEqual([{ op: 'set', path: 'optimizer', value: optimizer }]);
  });

  it('are a new attempt when the graph, the weights’ seed or the data set changed', () => {
    for (const after of [
      removeNodes(spec, ['act1']),
      replace(spec, 'seeds.weights', 1),
      replace(spec, 'data.kind', 'xor'),
    ]) {
      expect(commandsBetween(spec, after)).toEqual([{ op: 'edit', spec: after, keep: true }]);
    }
  });

  it('lead to the wanted spec when they are applied one by one', () => {
    let wanted = replace(replace(spec, 'optimizer.params.lr', 0.3), 'penalty', {
      kind: 'l1',
      rate: 0.1,
      style: 'gradient',
    });
    wanted = replace(wanted, 'seeds.data', 3);
    const reached = commandsBetween(spec, wanted).reduce(
      (now, command) => (command.op === 'set' ? replace(now, command.path, command.value) : now),
      spec,
    );
    expect(same(reached, wanted)).toBe(true);
  });
});
