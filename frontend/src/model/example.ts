/** A small spec and catalogue for tests of edits: the shapes the server sends, with the families it names. */
import type { Catalog, RunSpec, Schema } from '../api/types';
import { SEEDED, layer } from './spec';

export const spec: RunSpec = {
  version: 1,
  graph: {
    version: 1,
    inputs: [{ id: 'x', shape: [2], dtype: 'float32' }],
    nodes: [
      layer('hidden1', 'Linear', { out_features: 4 }, ['x']),
      layer('act1', 'Tanh', {}, ['hidden1']),
      layer('output', 'Linear', { out_features: 1 }, ['act1']),
      layer('out', 'Tanh', {}, ['output']),
    ],
    outputs: ['out'],
    layout: {},
  },
  data: { kind: 'circle', params: {} },
  loss: { kind: 'HalfMSELoss', params: {} },
  optimizer: { kind: 'SGD', params: { lr: 0.03 } },
  schedule: null,
  penalty: { kind: 'none', rate: 0, style: 'gradient' },
  batches: { size: 10, order: 'shuffle', last: 'keep' },
  initial: SEEDED,
  until: { steps: null, epochs: null, metric: null },
  seeds: { data: 0, weights: 0, batches: 0 },
  device: 'cpu',
  watch: [],
  tier: 'auto',
  pace: null,
};

const described = (kind: string, schema: Schema = {}) => ({ kind, title: kind, summary: '', schema });
const width: Schema = { properties: { out_features: { type: 'integer' } }, required: ['out_features'] };
const dataset = { plane: true, input: 'plane' } as const;

export const catalog: Catalog = {
  version: 1,
  layers: [
    { ...described('Linear', width), family: 'linear' },
    { ...described('Tanh'), family: 'activation' },
    { ...described('ReLU'), family: 'activation' },
    { ...described('Softmax', { properties: { dim: { type: 'integer' } } }), family: 'activation' },
  ],
  losses: [
    { ...described('HalfMSELoss'), task: 'both' },
    { ...described('CrossEntropyLoss'), task: 'classification' },
  ],
  optimizers: [described('SGD'), described('Adam', { properties: { lr: { type: 'number', default: 0.001 } } })],
  schedules: [],
  datasets: [
    { ...described('circle'), ...dataset, task: 'classification', classes: ['-1', '+1'] },
    { ...described('petals'), ...dataset, task: 'classification', classes: ['a', 'b', 'c'] },
    { ...described('slope'), ...dataset, task: 'regression', classes: [] },
  ],
  probes: [],
  presets: [],
  defaults: spec,
};
