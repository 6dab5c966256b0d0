import type {
  Ack,
  Catalog,
  Command,
  Device,
  GraphSpec,
  Problem,
  ProblemDetails,
  Report,
  RunRecord,
  RunSpec,
  Thumbnail,
} from './types';

export const API = '/api/v1';

/** A refusal of the server, as its problem+json says it. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly problems: Problem[],
  ) {
    super(detail);
  }
}

/** A problem with every field, from what is known of it. */
export function problemOf(error: Partial<Problem>): Problem {
  const { code = '', node = null, field = null, message = '', expected = null, got = null, hint = null } = error;
  return { code, node, field, message, expected, got, hint };
}

async function refusal(response: Response): Promise<Refusal> {
  const text = await response.text();
  let document: Partial<ProblemDetails> = {};
  try {
    document = JSON.parse(text) as Partial<ProblemDetails>;
  } catch {
    document = { detail: text.slice(0, 200) };
  }
  const detail = document.detail ?? document.title ?? response.statusText;
  return new Refusal(response.status, document.code ?? '', detail, (document.errors ?? []).map(problemOf));
}

/** Fetch `path` below the API and throw a `Refusal` unless the answer is good. */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(API + path, init);
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function get<T>(path: string): Promise<T> {
  return (await (await request(path)).json()) as T;
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return (await (await request(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as T;
}

export const catalog = () => get<Catalog>('/catalog');
export const devices = () => get<Device[]>('/devices');
export const checkRun = (spec: RunSpec) => post<Report>('/runs/check', spec);
export const checkGraph = (graph: GraphSpec) => post<Report>('/graphs/check', graph);
export const createRun = (
  spec: Partial<RunSpec>,
  options: { name?: string; play?: boolean; attached?: boolean } = {},
) => post<RunRecord>('/runs', { spec, ...options });
export const readRun = (id: string) => get<RunRecord>(`/runs/${encodeURIComponent(id)}`);
export const commandRun = (id: string, command: Command & { id: string }) =>
  post<Ack>(`/runs/${encodeURIComponent(id)}/commands`, command);
export const thumbnail = (kind: string, seed = 0) =>
  get<Thumbnail>(`/datasets/${encodeURIComponent(kind)}/thumbnail?seed=${seed}`);
export const weightsAddress = (id: string) => `${API}/runs/${encodeURIComponent(id)}/weights`;
export const sourceAddress = (id: string) => `${API}/runs/${encodeURIComponent(id)}/source`;
