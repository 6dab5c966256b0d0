/** One websocket per page: it reconnects with growing, jittered pauses and notices silence. */
import { after, every, type Stop } from './clock';

export type Line = 'connecting' | 'open' | 'lost';

export interface SocketEvents {
  opened(): void;
  text(message: string): void;
  binary(buffer: ArrayBuffer): void;
  line(line: Line): void;
}

const SILENCE_MS = 6500;
const PING_MS = 5000;
const LONGEST_PAUSE_MS = 5000;

/** The pause before attempt number `attempt` (0, 1, ...), in milliseconds; `chance` is in [0, 1). */
export function pauseBefore(attempt: number, chance: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** attempt);
  return full * (0.5 + chance / 2);
}

export class Socket {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private heard = 0;
  private stops: Stop[] = [];

  constructor(
    private address: string,
    private events: SocketEvents,
  ) {}

  start(): void {
    this.connect();
    this.stops.push(
      every(1000, () => this.listen()),
      every(PING_MS, () => this.send({ kind: 'ping' })),
    );
  }

  stop(): void {
    this.stops.forEach((stop) => stop());
    this.stops = [];
    this.drop();
  }

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(message: object): boolean {
    if (!this.isOpen) return false;
    this.socket?.send(JSON.stringify(message));
    return true;
  }

  private connect(): void {
    this.events.line(this.attempt ? 'lost' : 'connecting');
    const socket = new WebSocket(this.address);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => this.hear(event.data as string | ArrayBuffer);
    socket.onclose = () => this.closed(socket);
    this.heard = performance.now();
    this.socket = socket;
  }

  private opened(): void {
    this.attempt = 0;
    this.events.line('open');
    this.events.opened();
  }

  private hear(data: string | ArrayBuffer): void {
    this.heard = performance.now();
    if (typeof data === 'string') this.events.text(data);
    else this.events.binary(data);
  }

  private closed(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.socket = null;
    this.events.line('lost');
    const pause = pauseBefore(this.attempt, Math.random());
    this.attempt += 1;
    this.stops.push(after(pause, () => this.connect()));
  }

  private listen(): void {
    const socket = this.socket;
    if (!socket || performance.now() - this.heard < SILENCE_MS) return;
    this.drop();
    this.closed(socket);
  }

  private drop(): void {
    const socket = this.socket;
    if (!socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
  }
}
