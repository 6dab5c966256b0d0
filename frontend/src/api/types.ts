/**
 * What the server says and accepts, under the names that the page uses. Every message is declared once, in the server,
 * and generated from there; only what the page reads out of the catalogue's open entries is written down here.
 */
import type { JsonValue, RunSpec, Snapshot } from './protocol.gen';
import type { Catalog as OpenCatalog } from './rest.gen';

export type {
  ChangedFact,
  Command,
  Computed,
  Fact,
  GraphInput,
  GraphNode,
  GraphSpec,
  JsonValue,
  MetricsFact,
  Problem,
  RunRecord,
  RunSpec,
  RunSummary,
  ServerMessage,
  StateFact,
} from './protocol.gen';
export type { Ack, Device, Named as ParameterShape, ProblemDetails, Report, Thumbnail } from './rest.gen';

export type RunState = Snapshot['record']['state'];
export type MetricValues = Snapshot['record']['latest'];
/** The settings of one layer, loss, optimiser or data set, by name. */
export type Params = Record<string, JsonValue>;

/** The part of JSON schema that the catalogue's settings are written in. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: JsonValue;
  enum?: JsonValue[];
  const?: JsonValue;
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

// The catalogue's entries are open, so that a new kind of layer changes no TypeScript; this much the page reads.

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

export interface Catalog extends Pick<OpenCatalog, 'version'> {
  layers: LayerEntry[];
  losses: LossEntry[];
  optimizers: Described[];
  schedules: Described[];
  datasets: DatasetEntry[];
  probes: { name: string; arguments: unknown }[];
  presets: Preset[];
  defaults: RunSpec;
}
