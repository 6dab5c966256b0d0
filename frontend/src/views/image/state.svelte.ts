/** What the visitor looks at in the image view: which example, which layer, which map. */
import { base64url } from '../../draw/digit';

/** One unit of one picture, chosen by pointing at it. */
export interface Look {
  readonly topic: string;
  /** Name of the block inside the picture. */
  readonly block: string;
  readonly what: 'map' | 'filter' | 'value';
  readonly id: string;
  readonly unit: number;
  readonly count: number;
}

export class ImageState {
  /** Index of the test example that is shown. */
  example = $state(0);
  /** The drawn digit as 28 x 28 bytes, or null. */
  drawn = $state.raw<Uint8Array | null>(null);
  /** The layer whose settings are open. */
  selected = $state<string | null>(null);
  look = $state.raw<Look | null>(null);
  /** First example of the grid. */
  start = $state(0);
  /** The labels of the examples that were seen, by index. */
  private labels = $state.raw<ReadonlyMap<number, number>>(new Map());

  /** The true class of the current example; -1 while unknown and for a drawing. */
  get truth(): number {
    return this.drawn ? -1 : (this.labels.get(this.example) ?? -1);
  }

  learn(start: number, labels: ArrayLike<number>): void {
    if (this.labels.get(start) === labels[0] && this.labels.has(start + labels.length - 1)) return;
    const known = new Map(this.labels);
    for (let i = 0; i < labels.length; i++) known.set(start + i, labels[i] ?? -1);
    this.labels = known;
  }

  /**
   * A topic about the current example. The server names a topic by all its arguments, sorted, so all are given here: a
   * drawn digit wins over the number of the example.
   */
  private about(name: string, last: Readonly<Record<string, string>> = {}): string {
    const input = this.drawn ? { input: base64url(this.drawn) } : {};
    const all = { example: this.drawn ? 0 : this.example, ...input, ...last, split: 'test' };
    return `${name}?${Object.entries(all)
      .map(([key, value]) => `${key}=${value}`)
      .join('&')}`;
  }

  activation(node: string): string {
    return this.about('activation', { node });
  }

  get prediction(): string {
    return this.about('prediction');
  }

  /** The topic of the picture of the chosen test example. */
  get shown(): string {
    return `examples?count=1&split=test&start=${this.example}`;
  }

  choose(example: number): void {
    this.drawn = null;
    this.example = example;
  }

  toggle(id: string): void {
    this.selected = this.selected === id ? null : id;
  }
}
