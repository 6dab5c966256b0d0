/** What the server says and accepts, in the shapes of its REST interface and its stream. */

export interface Problem {
  code: string;
  node: string | null;
  field: string | null;
  message: string;
  expected: string | null;
  got: string | null;
  hint: string | null;
}

export interface GraphInput {
  id: string;
  shape: number[];
  dtype: string;
}

export type Params = Record<string, unknown>;

export interface GraphNode {
  id: string;
  kind: string;
  params: Params;
  inputs: string[];
  shares?: string | null;
}

export interface GraphSpec {
  version: number;
  inputs: GraphInput[];
  nodes: GraphNode[];
  outputs: string[];
  layout: Record<string, unknown>;
}

export interface Part {
  kind: string;
  params: Params;
}

export interface RunSpec {
  version: number;
  graph: GraphSpec;
  data: Part;
  loss: Part;
  optimizer: Part;
  schedule: (Part & { unit: string }) | null;
  penalty: { kind: string; rate: number; style: string };
  batches: { size: number; order: string; last: string };
  initial: { kind: string; [key: string]: unknown };
  until: { steps: number | null; epochs: number | null; metric: unknown };
  seeds: { data: number; weights: number; batches: number };
  device: string;
  watch: string[];
  pace: { per_second: number; unit: string } | null;
}

export interface ParameterShape {
  name: string;
  shape: number[];
}

export interface Report {
  shapes: Record<string, number[][]>;
  parameters: Record<string, ParameterShape[]>;
  parameter_count: number;
  memory_bytes: number;
  problems: Problem[];
}

export type RunState = 'queued' | 'starting' | 'running' | 'paused' | 'finished' | 'failed' | 'stopped';

export type MetricValues = Record<string, number | null>;

export interface RunRecord {
  id: string;
  name: string | null;
  state: RunState;
  attempt: number;
  step: number;
  epoch: number;
  reason: string | null;
  problem: Problem | null;
  latest: MetricValues;
  spec: RunSpec;
  attached: boolean;
  created_at: string;
  updated_at: string;
}

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  [key: string]: unknown;
}

export interface Described {
  kind: string;
  title: string;
  summary: string;
  schema: Schema;
}

export interface LayerEntry extends Described {
  family: string;
}

export interface LossEntry extends Described {
  task: 'classification' | 'regression' | 'both';
}

export interface DatasetEntry extends Described {
  task: 'classification' | 'regression';
  classes: string[];
  plane: boolean;
  input: 'plane' | 'image' | 'table';
  licence?: string;
  source?: string;
}

export interface Preset {
  id: string;
  title: string;
  summary: string;
  view: 'plane' | 'image' | 'table';
  spec: RunSpec;
}

export interface Catalog {
  version: number | string;
  layers: LayerEntry[];
  losses: LossEntry[];
  optimizers: Described[];
  schedules: Described[];
  datasets: DatasetEntry[];
  probes: { name: string; arguments: unknown }[];
  presets: Preset[];
  defaults: RunSpec;
}

export interface Device {
  id: string;
  title: string;
  memory_bytes: number | null;
}

export interface Thumbnail {
  /** Rows of x, y. */
  points: number[][];
  labels: number[];
}

/** A ranged command to a run; `id` is added by the sender. */
export type Command =
  | { op: 'play' }
  | { op: 'pause' }
  | { op: 'step'; unit: 'batch' | 'epoch'; count: number }
  | { op: 'reset' }
  | { op: 'set'; path: string; value: unknown }
  | { op: 'edit'; spec: RunSpec; keep: boolean }
  | { op: 'checkpoint' }
  | { op: 'stop' };

export interface MetricsFact {
  kind: 'metrics';
  run: string;
  attempt: number;
  seq: number;
  step: number;
  epoch: number;
  values: MetricValues;
  test_examples?: number | null;
}

export interface StateFact {
  kind: 'state';
  run: string;
  attempt: number;
  seq: number;
  state: RunState;
  step: number;
  epoch: number;
  reason: string | null;
  problem: Problem | null;
}

export interface ChangedFact {
  kind: 'changed';
  run: string;
  attempt: number;
  seq: number;
  path: string;
  value: unknown;
  step: number;
}

export type Fact = MetricsFact | StateFact | ChangedFact;

export type ServerMessage =
  | Fact
  | { kind: 'welcome'; version: string | number }
  | { kind: 'snapshot'; run: string; attempt: number; after: number; record: RunRecord }
  | { kind: 'ack'; id: string; run?: string; step: number | null; problem: Problem | null }
  | { kind: 'listed'; run: string; record: Omit<RunRecord, 'spec'> | null }
  | { kind: 'heartbeat'; time: number | string }
  | ({ kind: 'problem' } & Partial<Problem>);
