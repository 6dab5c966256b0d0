import { describe, expect, it } from 'vitest';
import { datasetCandidates, endingCandidates, withFeatures } from './choices';
import { catalog, spec } from './example';
import {
  activations,
  addLayer,
  chain,
  columnsOf,
  removeLayer,
  setActivations,
  setUnits,
  widthSetting,
} from './network';

const columns = columnsOf(spec, null, catalog);

describe('a sequential network', () => {
  it('is columns of a head and what follows it', () => {
    expect(columns.map(({ role, shown, units }) => [role, shown, units])).toEqual([
      ['input', 'x', 2],
      ['hidden', 'act1', 4],
      ['output', 'out', 1],
    ]);
  });

  it('names its weights and biases as the report does', () => {
    const parameters = {
      hidden1: [
        { name: 'weight', shape: [4, 2] },
        { name: 'bias', shape: [4] },
      ],
    };
    const report = {
      shapes: {},
      classes: [],
      features: [],
      parameters,
      parameter_count: 12,
      memory_bytes: 0,
      problems: [],
    };
    expect(columnsOf(spec, report, catalog)[1]).toMatchObject({ weight: 'hidden1.weight', bias: 'hidden1.bias' });
  });

  it('stays sequential when a layer comes and goes', () => {
    const more = addLayer(columns, 3, catalog)(spec);
    expect(chain(more).map(({ kind }) => kind)).toEqual(['Linear', 'Tanh', 'Linear', 'Tanh', 'Linear', 'Tanh']);
    const fewer = removeLayer(columnsOf(more, null, catalog)[2]!)(more);
    expect(fewer.graph).toEqual(spec.graph);
  });

  it('takes another number of units through the setting that the catalogue names', () => {
    expect(widthSetting(catalog.layers[0])).toBe('out_features');
    const wider = setUnits(columns[1]!, 9, catalog)(spec);
    expect(columnsOf(wider, null, catalog)[1]?.units).toBe(9);
  });

  it('changes the activation of every hidden layer, and of no other', () => {
    const next = setActivations(columns, 'ReLU', catalog)(spec);
    expect(chain(next).map(({ kind }) => kind)).toEqual(['Linear', 'ReLU', 'Linear', 'Tanh']);
    const bare = setActivations(columns, null, catalog)(spec);
    expect(chain(bare).map(({ kind }) => kind)).toEqual(['Linear', 'Linear', 'Tanh']);
  });

  it('is offered only activations that work on any shape', () => {
    expect(activations(catalog).map(({ kind }) => kind)).toEqual(['Tanh', 'ReLU']);
  });
});

describe('a choice of data', () => {
  it('with three classes ends the network in three plain outputs', () => {
    const [next] = datasetCandidates(spec, catalog.datasets[1]!, catalog);
    const output = columnsOf(next!, null, catalog).at(-1);
    expect([output?.units, output?.shown]).toEqual([3, 'output']);
  });

  it('of a regression ends it in one plain output', () => {
    const [next] = datasetCandidates(spec, catalog.datasets[2]!, catalog);
    expect(columnsOf(next!, null, catalog).at(-1)).toMatchObject({ units: 1, shown: 'output' });
  });

  it('goes with the network’s inputs', () => {
    const next = withFeatures(['x', 'y', 'x_squared'])(spec);
    expect(next.graph.inputs[0]?.shape).toEqual([3]);
  });

  it('tries a loss of classes with one output, then with one per class', () => {
    const found = endingCandidates({ ...spec, loss: { kind: 'CrossEntropyLoss', params: {} } }, catalog);
    expect(found.map((each) => columnsOf(each, null, catalog).at(-1)?.units)).toEqual([1, 2]);
  });
});
