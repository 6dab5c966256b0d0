import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { RunRecord } from '../api/types';
import type { Frame } from '../stream/protocol';
import { spec } from './example';
import { RunModel, type Link } from './run.svelte';

const record: RunRecord = {
  id: 'run',
  name: 'A run',
  state: 'paused',
  attempt: 0,
  step: 0,
  epoch: 0,
  reason: null,
  problem: null,
  latest: {},
  spec,
  attached: true,
  created_at: '',
  updated_at: '',
  computed: null,
};
const said: { topics?: string[] }[] = [];
const link: Link = {
  send: (message) => said.push(message) > 0,
  command: (_, { op }) => Promise.resolve({ id: op, step: 0, problem: null }),
};

function frameOf(topic: string): Frame {
  const block = { topic, name: 'value', dtype: 'f32', shape: [1], data: new Float32Array([1]), lo: 0, hi: 1 } as const;
  return { run: 'run', attempt: 0, seq: 0, step: 0, blocks: [{ ...block, shape: [...block.shape] }] };
}

// No server and no screen here: the check of the spec finds nobody, the animation frames never come.
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', () => 0);
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('nobody there')));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('a picture of something drawn by hand is forgotten when nobody looks any more; others stay for the next look', () => {
  const run = new RunModel(record, link);
  const topics = ['prediction?input=AAAA&split=test', 'prediction?example=0&split=test'];
  const releases = topics.map((topic) => run.want(topic));
  for (const topic of topics) run.receive(frameOf(topic));
  expect(topics.map((topic) => run.picture(topic) !== undefined)).toEqual([true, true]);
  for (const release of releases) release();
  run.receive(frameOf(topics[0]!));
  expect(topics.map((topic) => run.picture(topic) !== undefined)).toEqual([false, true]);
});

it('a topic that several look at is wanted until the last of them is gone', async () => {
  const run = new RunModel(record, link);
  const releases = [run.want('decision?size=100'), run.want('decision?size=100')];
  releases[0]!();
  releases[0]!();
  await Promise.resolve();
  expect(said.at(-1)?.topics).toContain('decision?size=100');
  releases[1]!();
  await Promise.resolve();
  expect(said.at(-1)?.topics).not.toContain('decision?size=100');
});

it('what computes a run is known from its record, from facts, and forgotten with the attempt', () => {
  const run = new RunModel(record, link);
  expect(run.computed).toBeNull();
  const computed = { kind: 'computed', tier: 'native', shards: 1, cpu: 'a CPU', reason: null, step: 1 } as const;
  run.fact({ ...computed, run: 'run', attempt: 0, seq: 0 });
  expect(run.computed?.tier).toBe('native');
  run.adopt({ ...record, attempt: 1 });
  expect(run.computed).toBeNull();
  run.adopt({ ...record, attempt: 1, computed: { ...computed, tier: 'eager' } });
  expect(run.computed?.tier).toBe('eager');
});

it('facts that the record holds already draw the curves and turn nothing back', () => {
  const run = new RunModel(record, link);
  const row = (seq: number) =>
    ({
      kind: 'metrics',
      run: 'run',
      attempt: 0,
      seq,
      step: 25 * seq,
      epoch: seq,
      values: { test_loss: 1 / seq },
      test_examples: 250,
    }) as const;
  const state = { kind: 'state', run: 'run', attempt: 0, reason: null, problem: null } as const;
  const now = { ...record, step: 75, epoch: 3, latest: { test_loss: 1 / 3 }, state: 'paused' } as const;
  run.adopt(now, -1, 3);
  run.fact({ ...state, seq: 0, state: 'running', step: 0, epoch: 0 });
  for (const seq of [1, 2, 3]) {
    run.fact(row(seq));
    expect([run.state, run.newest.step, run.newest.testLoss]).toEqual(['paused', 75, 1 / 3]);
  }
  expect(run.series.step).toEqual([25, 50, 75]);
  run.fact(row(4));
  expect([run.newest.step, run.newest.testLoss, run.series.length]).toEqual([100, 0.25, 4]);
  run.adopt({ ...now, step: 150, epoch: 6 }, 4, 6);
  run.fact(row(5));
  run.fact(row(6));
  expect([run.newest.step, run.series.length]).toEqual([150, 6]);
  run.fact({ ...state, seq: 7, state: 'finished', step: 150, epoch: 6 });
  expect(run.state).toBe('finished');
});

it('what is played was changed before: a command takes its turn behind the changes that are under way', async () => {
  const done: string[] = [];
  const run = new RunModel(record, {
    ...link,
    command: (_, { op }) => {
      done.push(op);
      return Promise.resolve({ id: op, step: 0, problem: null });
    },
  });
  let answer: (report: Response) => void = () => undefined;
  const report = new Promise<Response>((resolve) => (answer = resolve));
  vi.stubGlobal('fetch', () => report.then((found) => found.clone()));
  const changed = run.change((spec) => ({ ...spec, pace: { per_second: 7, unit: 'batch' } }));
  const played = run.inTurn({ op: 'play' });
  await Promise.resolve();
  expect(done).toEqual([]);
  answer(new Response(JSON.stringify({ problems: [] })));
  expect([await changed, await played]).toEqual([true, true]);
  expect(done).toEqual(['set', 'play']);
});
