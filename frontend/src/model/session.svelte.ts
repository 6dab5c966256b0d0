/** The page's one connection, the catalogue, the devices, and the run that is shown. */
import { API, Refusal, catalog, commandRun, createRun, devices, problemOf, readRun } from '../api/client';
import type { Catalog, Command, Device, Preset, RunRecord, RunSpec, RunSummary, ServerMessage } from '../api/types';
import { after } from '../stream/clock';
import { decode } from '../stream/protocol';
import { hub } from '../stream/hub';
import { Socket, type Line } from '../stream/socket';
import { RunModel, type Ack, type Link } from './run.svelte';
import { packSpec, readPlace, unpackSpec, writePlace } from './url';

const ACK_MS = 4000;
/** Names this page's commands apart from those of every other page. */
const PAGE = Math.random().toString(36).slice(2, 10);

function streamAddress(): string {
  const { protocol, host } = globalThis.location;
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${API}/stream`;
}

export class Session implements Link {
  line = $state<Line>('connecting');
  catalog = $state.raw<Catalog | null>(null);
  devices = $state.raw<Device[]>([]);
  run = $state.raw<RunModel | null>(null);
  /** The runs that the server told of while this page was open, newest first. */
  listed = $state.raw<RunSummary[]>([]);
  /** Why the page cannot show a run, as a sentence of the server, or null. */
  failure = $state<string | null>(null);
  private socket: Socket;
  private waiting = new Map<string, (ack: Ack) => void>();
  private count = 0;

  constructor() {
    this.socket = new Socket(streamAddress(), {
      opened: () => this.run?.watch(),
      text: (message) => this.hear(JSON.parse(message) as ServerMessage),
      binary: (buffer) => this.see(buffer),
      line: (line) => (this.line = line),
    });
  }

  /** Connect, read the catalogue and open what the address asks for. */
  async start(): Promise<void> {
    this.socket.start();
    void devices().then(
      (found) => (this.devices = found),
      () => undefined,
    );
    try {
      const reading = catalog().then((found) => (this.catalog = found));
      await Promise.all([reading, this.openPlace(reading)]);
    } catch (error) {
      this.fail(error);
    }
  }

  // Runs ---------------------------------------------------------------------------------------------------------

  async openPreset(preset: Preset): Promise<void> {
    await this.create(preset.spec, preset.title);
  }

  /** Make a new paused run of `spec` (what it leaves out is the first view's), attached to this page, and show it. */
  async create(spec: Partial<RunSpec>, name?: string): Promise<RunModel | null> {
    try {
      const record = await createRun(spec, { ...(name ? { name } : {}), play: false, attached: true });
      return this.show(record);
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  async open(id: string): Promise<RunModel | null> {
    try {
      return this.show(await readRun(id));
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  private show(record: RunRecord): RunModel {
    this.run?.leave();
    this.failure = null;
    const run = new RunModel(record, this);
    this.run = run;
    return run;
  }

  /** The catalogue is waited for only where a preset is asked for by name: the server knows the first view. */
  private async openPlace(reading: Promise<Catalog>): Promise<void> {
    const place = readPlace(globalThis.location.hash);
    if (place.run && (await this.reattach(place.run))) return;
    const spec = place.spec ? await unpackSpec(place.spec) : null;
    const preset = place.preset && (await reading).presets.find(({ id }) => id === place.preset);
    await this.create(spec ?? (preset || { spec: {} }).spec);
  }

  private async reattach(id: string): Promise<boolean> {
    try {
      this.show(await readRun(id));
      return true;
    } catch {
      return false;
    }
  }

  /** Write the run and its spec into the address without a new entry in the browser's history. */
  async remember(id: string, spec: RunSpec, show: readonly string[] = []): Promise<void> {
    const packed = await packSpec(spec);
    if (this.run?.id !== id) return;
    globalThis.history.replaceState(null, '', writePlace({ run: id, spec: packed, show }));
  }

  private fail(error: unknown): void {
    this.failure = error instanceof Refusal || error instanceof Error ? error.message : String(error);
  }

  // Link ---------------------------------------------------------------------------------------------------------

  send(message: object): boolean {
    return this.socket.send(message);
  }

  /** Send a command over the stream, or over REST while the stream is down. */
  async command(run: string, command: Command): Promise<Ack> {
    this.count += 1;
    const id = `${PAGE}-${this.count}`;
    if (!this.send({ kind: 'command', id, run, ...command })) return this.post(run, { ...command, id });
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      after(ACK_MS, () => this.settle({ id, step: null, problem: null }));
    });
  }

  private async post(run: string, command: Command & { id: string }): Promise<Ack> {
    try {
      return await commandRun(run, command);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { id: command.id, step: null, problem: problemOf({ code: 'refused', message }) };
    }
  }

  private settle(ack: Ack): void {
    this.waiting.get(ack.id)?.(ack);
    this.waiting.delete(ack.id);
  }

  // Stream -------------------------------------------------------------------------------------------------------

  private hear(message: ServerMessage): void {
    switch (message.kind) {
      case 'metrics':
      case 'state':
      case 'changed':
      case 'computed':
        if (message.run === this.run?.id) this.run.fact(message);
        break;
      case 'snapshot':
        if (message.run === this.run?.id) this.run.adopt(message.record, message.after, message.newest);
        break;
      case 'ack':
        this.settle(message);
        break;
      case 'listed':
        this.list(message.run, message.record);
        break;
      case 'problem':
        this.misunderstood(message);
        break;
      case 'welcome':
      case 'heartbeat':
        break;
      default:
        message satisfies never;
    }
  }

  /** The server could not use a message about this run: nothing changed, and it says why. */
  private misunderstood({ run, code, detail, errors }: Extract<ServerMessage, { kind: 'problem' }>): void {
    if (run !== this.run?.id || !this.run) return;
    this.run.refused = errors.length ? errors.map(problemOf) : [problemOf({ code, message: detail })];
  }

  private list(id: string, record: RunSummary | null): void {
    const others = this.listed.filter((run) => run.id !== id);
    this.listed = (record ? [record, ...others] : others).slice(0, 50);
  }

  private see(buffer: ArrayBuffer): void {
    const frame = decode(buffer);
    hub.stats.received += 1;
    if (frame.run === this.run?.id) this.run.receive(frame);
    else this.send({ kind: 'painted', run: frame.run, seq: frame.seq });
  }
}

export const session = new Session();
