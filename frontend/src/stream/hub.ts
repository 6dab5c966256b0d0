/** One animation loop for the whole page: the newest pictures win, only stale painters paint, older frames are dropped. */
import { every } from './clock';

export interface Painter {
  /** The keys whose change makes this painter stale. */
  readonly keys: readonly string[];
  paint(now: number): void;
}

export interface HubStats {
  received: number;
  painted: number;
  dropped: number;
  paintMs: number;
  worstMs: number;
}

type Request = (callback: (now: number) => void) => number;

export class Hub {
  readonly stats: HubStats = { received: 0, painted: 0, dropped: 0, paintMs: 0, worstMs: 0 };
  private painters = new Set<Painter>();
  private stale = new Set<Painter>();
  private moving = new Set<Painter>();
  private afterwards: (() => void)[] = [];
  private slow = new Set<() => void>();
  private scheduled = false;
  private ticking = false;

  constructor(private request: Request = (callback) => requestAnimationFrame(callback)) {}

  /** Add a painter; it paints in the next animation frame and then whenever one of its keys is touched. */
  add(painter: Painter): () => void {
    this.painters.add(painter);
    this.repaint(painter);
    return () => {
      this.painters.delete(painter);
      this.stale.delete(painter);
    };
  }

  repaint(painter: Painter): void {
    this.stale.add(painter);
    this.schedule();
  }

  /** Everything is drawn again: another theme, another size. */
  repaintAll(): void {
    for (const painter of this.painters) this.stale.add(painter);
    this.schedule();
  }

  touch(key: string): void {
    for (const painter of this.painters) if (painter.keys.includes(key)) this.stale.add(painter);
    if (this.stale.size) this.schedule();
  }

  /** Paint in every animation frame until the answer is called: for motion that means something. */
  animate(painter: Painter): () => void {
    this.moving.add(painter);
    this.schedule();
    return () => this.moving.delete(painter);
  }

  /** Run `action` after the next animation frame was painted. */
  then(action: () => void): void {
    this.afterwards.push(action);
    this.schedule();
  }

  /** Four times a second, for numbers that people read. */
  readout(action: () => void): () => void {
    this.slow.add(action);
    if (!this.ticking) {
      this.ticking = true;
      every(250, () => this.slow.forEach((each) => each()));
    }
    return () => this.slow.delete(action);
  }

  flush(now: number): void {
    this.scheduled = false;
    const started = performance.now();
    const due = new Set([...this.stale, ...this.moving]);
    this.stale.clear();
    for (const painter of due) painter.paint(now);
    const done = this.afterwards;
    this.afterwards = [];
    for (const action of done) action();
    this.count(performance.now() - started);
    if (this.moving.size) this.schedule();
  }

  private count(milliseconds: number): void {
    this.stats.painted += 1;
    this.stats.paintMs += milliseconds;
    this.stats.worstMs = Math.max(this.stats.worstMs, milliseconds);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.request((now) => this.flush(now));
  }
}

export const hub = new Hub();
