/** One run as the page knows it: its record, its metric rows, its newest pictures, and the way to change it. */
import { checkRun } from '../api/client';
import type { Command, Computed, Fact, Problem, Report, RunRecord, RunSpec, RunState } from '../api/types';
import { after } from '../stream/clock';
import { hub } from '../stream/hub';
import type { Block, Frame } from '../stream/protocol';
import { History } from './history.svelte';
import { Series } from './series';
import { commandsBetween, replace, same, withFittingStart, type Edit } from './spec';

export type Picture = Readonly<Record<string, Block>>;

export interface Ack {
  id: string;
  step: number | null;
  problem: Problem | null;
}

/** What a run needs of the connection. */
export interface Link {
  send(message: object): boolean;
  command(run: string, command: Command): Promise<Ack>;
}

/** The numbers people read, refreshed four times a second. */
export interface Readout {
  step: number;
  epoch: number;
  trainLoss: number;
  testLoss: number;
  trainAccuracy: number;
  testAccuracy: number;
  stepsPerSecond: number;
  learningRate: number;
}

const PROGRESS = 'progress';
const SERIES = 'series';
const SNAPSHOT_MS = 1500;

function readoutOf(record: RunRecord): Readout {
  const value = (name: string) => record.latest?.[name] ?? NaN;
  return {
    step: record.step,
    epoch: record.epoch,
    trainLoss: value('train_loss'),
    testLoss: value('test_loss'),
    trainAccuracy: value('train_accuracy'),
    testAccuracy: value('test_accuracy'),
    stepsPerSecond: NaN,
    learningRate: NaN,
  };
}

function byTopic(blocks: readonly Block[]): Map<string, Block[]> {
  const topics = new Map<string, Block[]>();
  for (const block of blocks) topics.set(block.topic, [...(topics.get(block.topic) ?? []), block]);
  return topics;
}

/** Whether a topic is about something drawn by hand: such a picture is of no use to anybody later. */
function isDrawn(topic: string): boolean {
  return topic.includes('input=');
}

export class RunModel {
  readonly id: string;
  name = $state<string | null>(null);
  state = $state<RunState>('queued');
  attempt = $state(0);
  reason = $state<string | null>(null);
  /** Why the run stopped by itself (a loss that became infinite, a lost host), or null. */
  problem = $state.raw<Problem | null>(null);
  /** Why the newest edit or command was refused; cleared by the next one. */
  refused = $state.raw<Problem[]>([]);
  spec = $state.raw<RunSpec>(null as unknown as RunSpec);
  report = $state.raw<Report | null>(null);
  /** What computes the run, or null while nothing was computed. */
  computed = $state.raw<Computed | null>(null);
  readout = $state.raw<Readout>(null as unknown as Readout);
  readonly series = new Series();
  readonly history = new History<RunSpec>();
  private pictures = new Map<string, Picture>();
  private wanted = new Map<string, number>();
  private seen = -1;
  /** The number of the newest fact that the record had taken in when it was adopted. */
  private recorded = -1;
  private arrivals: (() => void)[] = [];
  private announced = false;
  private latest: Readout;
  private queue: Promise<unknown> = Promise.resolve();
  private stopReadout: () => void;

  constructor(
    record: RunRecord,
    private link: Link,
  ) {
    this.id = record.id;
    this.latest = readoutOf(record);
    this.adopt(record);
    this.want(PROGRESS);
    this.stopReadout = hub.readout(() => this.refresh());
  }

  get running(): boolean {
    return this.state === 'running';
  }

  get ended(): boolean {
    return this.state === 'failed' || this.state === 'stopped';
  }

  /** Stop watching; the run itself goes on (or pauses when nobody watches an attached one). */
  leave(): void {
    this.stopReadout();
    this.link.send({ kind: 'unwatch', run: this.id });
  }

  // Pictures -----------------------------------------------------------------------------------------------------

  /** The hub's key of one topic of this run; `series` is the key of its metric rows. */
  key(topic: string): string {
    return `${this.id} ${topic}`;
  }

  get seriesKey(): string {
    return this.key(SERIES);
  }

  /** The newest blocks of a topic, by block name. */
  picture(topic: string): Picture | undefined {
    return this.pictures.get(topic);
  }

  /** Ask for a topic until the answer is called; the union of all wishes is what the server computes. */
  want(topic: string): () => void {
    this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1);
    this.announce();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.unwant(topic);
    };
  }

  private unwant(topic: string): void {
    const left = (this.wanted.get(topic) ?? 1) - 1;
    if (left > 0) this.wanted.set(topic, left);
    else this.drop(topic);
    this.announce();
  }

  /** Nobody looks any more. The picture stays for the next look, unless it answers something drawn by hand. */
  private drop(topic: string): void {
    this.wanted.delete(topic);
    if (isDrawn(topic)) this.pictures.delete(topic);
  }

  /** Tell the server once per turn which topics are wanted now. */
  private announce(): void {
    if (this.announced) return;
    this.announced = true;
    queueMicrotask(() => {
      this.announced = false;
      this.watch();
    });
  }

  /** Called on every (re)connection too: facts resume after the last one seen. */
  watch(): void {
    const topics = [...this.wanted.keys()].sort();
    this.link.send({ kind: 'watch', run: this.id, attempt: this.attempt, after: this.seen, topics });
  }

  receive(frame: Frame): void {
    if (frame.attempt >= this.attempt) {
      for (const [topic, blocks] of byTopic(frame.blocks)) this.renew(topic, blocks);
    }
    hub.then(() => this.link.send({ kind: 'painted', run: this.id, seq: frame.seq }));
  }

  private renew(topic: string, blocks: Block[]): void {
    if (isDrawn(topic) && !this.wanted.has(topic)) return;
    this.pictures.set(topic, Object.fromEntries(blocks.map((block) => [block.name, block])));
    if (topic === PROGRESS) this.progress(blocks[0]!);
    hub.touch(this.key(topic));
  }

  private progress(block: Block): void {
    const [step, epoch, trainLoss, testLoss, trainAccuracy, testAccuracy, stepsPerSecond, learningRate] = block.data;
    const known = (value: number | undefined, old: number) => (Number.isNaN(value ?? NaN) ? old : value!);
    this.latest = {
      step: step ?? 0,
      epoch: epoch ?? 0,
      trainLoss: known(trainLoss, this.latest.trainLoss),
      testLoss: known(testLoss, this.latest.testLoss),
      trainAccuracy: known(trainAccuracy, this.latest.trainAccuracy),
      testAccuracy: known(testAccuracy, this.latest.testAccuracy),
      stepsPerSecond: stepsPerSecond ?? NaN,
      learningRate: learningRate ?? NaN,
    };
    hub.touch(this.seriesKey);
  }

  /** The newest numbers, at frame rate, for painters. */
  get newest(): Readout {
    return this.latest;
  }

  private refresh(): void {
    if (!same(this.readout, this.latest)) this.readout = this.latest;
  }

  // Facts --------------------------------------------------------------------------------------------------------

  /**
   * Take over a record that holds the facts up to number `newest`; facts that come next have numbers above `after`
   * (-1: forget the rows).
   */
  adopt(record: RunRecord, after = -1, newest = -1): void {
    const sameAttempt = record.attempt === this.attempt && after >= 0;
    if (!sameAttempt) this.forget(record.attempt);
    this.recorded = sameAttempt ? -1 : newest; // after a lost line, what comes is newer than what is shown
    this.name = record.name;
    this.state = record.state;
    this.reason = record.reason;
    this.problem = record.problem;
    this.computed = record.computed;
    if (!same(this.spec, record.spec)) {
      this.spec = record.spec;
      void this.check();
    }
    this.latest = sameAttempt ? this.latest : readoutOf(record);
    this.readout = this.latest;
    this.arrivals.forEach((arrived) => arrived());
    this.arrivals = [];
  }

  fact(fact: Fact): void {
    if (fact.attempt < this.attempt) return;
    if (fact.attempt > this.attempt) this.forget(fact.attempt);
    if (fact.seq <= this.seen) return;
    this.seen = fact.seq;
    if (fact.kind === 'changed') this.changed(fact);
    if (fact.kind === 'metrics') this.series.push(fact.step, fact.epoch, fact.values);
    hub.touch(this.seriesKey);
    if (fact.seq > this.recorded) this.learn(fact);
  }

  /** What a fact says of where the run stands. */
  private learn(fact: Fact): void {
    if (fact.kind === 'metrics') this.metrics(fact);
    else if (fact.kind === 'state') this.stateChanged(fact);
    else if (fact.kind === 'computed') this.computed = fact;
  }

  private forget(attempt: number): void {
    this.attempt = attempt;
    this.seen = -1;
    this.recorded = -1;
    this.problem = null;
    this.computed = null;
    this.series.clear();
    hub.touch(this.seriesKey);
  }

  private metrics(fact: Extract<Fact, { kind: 'metrics' }>): void {
    const { train_loss, test_loss, train_accuracy, test_accuracy } = fact.values;
    this.latest = {
      ...this.latest,
      step: fact.step,
      epoch: fact.epoch,
      trainLoss: train_loss ?? this.latest.trainLoss,
      testLoss: test_loss ?? this.latest.testLoss,
      trainAccuracy: train_accuracy ?? this.latest.trainAccuracy,
      testAccuracy: test_accuracy ?? this.latest.testAccuracy,
    };
  }

  private stateChanged(fact: Extract<Fact, { kind: 'state' }>): void {
    this.state = fact.state;
    this.reason = fact.reason;
    this.problem = fact.problem;
    this.latest = { ...this.latest, step: fact.step, epoch: fact.epoch };
  }

  private changed(fact: Extract<Fact, { kind: 'changed' }>): void {
    this.series.marks.push({ step: fact.step, path: fact.path, value: fact.value });
    if (!fact.path.startsWith('parameters.')) this.spec = replace(this.spec, fact.path, fact.value);
  }

  // Changes ------------------------------------------------------------------------------------------------------

  async command(command: Command): Promise<Ack> {
    const ack = await this.link.command(this.id, command);
    this.refused = ack.problem ? [ack.problem] : [];
    return ack;
  }

  /** A command that takes its turn: changes that were made before it and are still under way come first. */
  inTurn(command: Command): Promise<boolean> {
    return this.enqueue(async () => !(await this.command(command)).problem);
  }

  /** Apply a pure edit, remembered for undo. `keep` keeps the weights that still fit when a new attempt is needed. */
  change(edit: Edit, keep = true): Promise<boolean> {
    return this.enqueue(() => this.apply(edit, keep));
  }

  private async apply(edit: Edit, keep: boolean): Promise<boolean> {
    const before = this.spec;
    const done = await this.follow(withFittingStart(before, edit(before)), keep);
    if (done && !same(before, this.spec)) this.history.remember(before);
    return done;
  }

  /** A whole new spec in this run: attempt + 1 at step 0. */
  edit(spec: RunSpec, keep: boolean): Promise<boolean> {
    return this.change(() => spec, keep);
  }

  /** Apply the first of several specs that the server's check accepts; with none, show what is wrong with the last. */
  changeToFirst(candidates: readonly RunSpec[], keep: boolean): Promise<boolean> {
    return this.enqueue(async () => {
      for (const candidate of candidates.slice(0, -1)) {
        const report = await checkRun(candidate);
        if (!report.problems.length) return this.apply(() => candidate, keep);
      }
      const last = candidates.at(-1);
      return last ? this.apply(() => last, keep) : false;
    });
  }

  undo(): Promise<boolean> {
    return this.enqueue(() => this.travel(this.history.undo(this.spec)));
  }

  redo(): Promise<boolean> {
    return this.enqueue(() => this.travel(this.history.redo(this.spec)));
  }

  private async travel(spec: RunSpec | null): Promise<boolean> {
    return spec ? this.follow(spec, true) : false;
  }

  private enqueue(action: () => Promise<boolean>): Promise<boolean> {
    const next = this.queue.then(action, action);
    this.queue = next.catch(() => false);
    return next;
  }

  private async follow(next: RunSpec, keep: boolean): Promise<boolean> {
    const before = this.spec;
    const commands = commandsBetween(before, next, keep);
    if (!commands.length) return true;
    const report = await checkRun(next);
    this.refused = report.problems;
    if (report.problems.length) return false;
    return this.send(commands, before, next, report);
  }

  private async send(commands: Command[], before: RunSpec, next: RunSpec, report: Report): Promise<boolean> {
    const wasRunning = this.running;
    const oldReport = this.report;
    this.spec = next;
    this.report = report;
    for (const command of commands) {
      const arrived = command.op === 'edit' ? this.arrival() : null;
      const ack = await this.command(command);
      if (!ack.problem) await arrived;
      else {
        this.spec = before;
        this.report = oldReport;
        return false;
      }
    }
    if (wasRunning && commands.some((command) => command.op === 'edit')) await this.command({ op: 'play' });
    return true;
  }

  /** Resolves when the next snapshot came, or after a moment without one. */
  private arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.arrivals.push(resolve);
      after(SNAPSHOT_MS, resolve);
    });
  }

  private async check(): Promise<void> {
    const spec = this.spec;
    const report = await checkRun(spec).catch(() => null);
    if (this.spec === spec && report) this.report = report;
  }
}
