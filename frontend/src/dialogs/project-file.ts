/**
 * The project file: one JSON document with everything that is needed to go on elsewhere.
 *
 *     {"format": "autodiff-playground", "version": 1, "title": "...", "spec": RunSpec, "weights": {name: array} | null}
 *
 * The server checks the spec again when it is opened; here only the frame of the file is looked at.
 */
import type { StoredArray } from './safetensors';

export const FORMAT = 'autodiff-playground';
export const VERSION = 1;

export interface Project {
  readonly title: string;
  readonly spec: Record<string, unknown>;
  readonly weights: Record<string, StoredArray> | null;
}

/** What is wrong with a file, as the key of a sentence and its details. */
export type Damage =
  | { readonly code: 'not_json'; readonly line: number }
  | { readonly code: 'not_project' }
  | { readonly code: 'newer'; readonly version: string }
  | { readonly code: 'no_spec' }
  | { readonly code: 'bad_weights'; readonly name: string };

export type Opened = { readonly project: Project } | { readonly damage: Damage };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The text of a project file, indented so that people can read and compare it. */
export function writeProject(project: Project): string {
  const { title, spec, weights } = project;
  return `${JSON.stringify({ format: FORMAT, version: VERSION, title, spec, weights }, null, 1)}\n`;
}

/** Read a project file; never throws, says what is damaged instead. */
export function readProject(text: string): Opened {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { damage: { code: 'not_json', line: text.split('\n').length } };
  }
  return openProject(value);
}

function openProject(value: unknown): Opened {
  if (!isRecord(value)) return { damage: { code: 'not_project' } };
  // A bare run spec (as `playground run` takes it) is welcome too.
  const bare = value['format'] === undefined && (isRecord(value['data']) || isRecord(value['graph']));
  if (bare) return { project: { title: '', spec: value, weights: null } };
  if (value['format'] !== FORMAT) return { damage: { code: 'not_project' } };
  if (value['version'] !== VERSION)
    return { damage: { code: 'newer', version: String(value['version']).slice(0, 20) } };
  if (!isRecord(value['spec'])) return { damage: { code: 'no_spec' } };
  return withWeights(String(value['title'] ?? ''), value['spec'], value['weights']);
}

function withWeights(title: string, spec: Record<string, unknown>, weights: unknown): Opened {
  if (weights === null || weights === undefined) return { project: { title, spec, weights: null } };
  if (!isRecord(weights)) return { damage: { code: 'bad_weights', name: 'weights' } };
  for (const [name, array] of Object.entries(weights)) {
    if (!isStored(array)) return { damage: { code: 'bad_weights', name } };
  }
  return { project: { title, spec, weights: weights as Record<string, StoredArray> } };
}

const isStored = (value: unknown): boolean =>
  isRecord(value) &&
  typeof value['dtype'] === 'string' &&
  Array.isArray(value['shape']) &&
  typeof value['data'] === 'string';

/** The spec to start from: with the saved weights as its initial ones, when there are any. */
export function specOf(project: Project): Record<string, unknown> {
  if (project.weights === null) return project.spec;
  return { ...project.spec, initial: { kind: 'arrays', arrays: project.weights } };
}

/** A file name made of letters that every system takes. */
export function fileName(title: string, extension: string): string {
  const stem = title
    .normalize('NFKD')
    .replace(/[^\w -]+/g, '')
    .trim()
    .replace(/\s+/g, '-')
    .toLowerCase();
  return `${stem || 'network'}.${extension}`;
}
