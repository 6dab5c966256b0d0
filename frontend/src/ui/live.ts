/** Attachments that join an element to the pictures of a run: watched while visible, painted in the one animation loop. */
import type { Attachment } from 'svelte/attachments';
import type { RunModel } from '../model/run.svelte';
import { hub, type Painter } from '../stream/hub';
import { watchVisible } from '../stream/visible';

export interface Live<E extends Element> {
  run: RunModel;
  /** The topics to watch and to be repainted for. */
  topics: readonly string[];
  /** Called in an animation frame whenever a topic brought something new, and once at the start. */
  paint(element: E, run: RunModel, now: number): void;
  /** More keys of the hub that make the painting stale (`run.seriesKey`). */
  keys?: readonly string[];
}

/** `<canvas {@attach live({ run, topics: ['decision?size=100'], paint })}>`: topics are wanted only while visible. */
export function live<E extends Element>({ run, topics, paint, keys = [] }: Live<E>): Attachment<E> {
  return (element) => {
    let releases: (() => void)[] = [];
    const painter: Painter = {
      keys: [...topics.map((topic) => run.key(topic)), ...keys],
      paint: (now) => paint(element, run, now),
    };
    const remove = hub.add(painter);
    const release = () => {
      releases.forEach((each) => each());
      releases = [];
    };
    const unwatch = watchVisible(element, (visible) => {
      release();
      if (visible) releases = topics.map((topic) => run.want(topic));
      if (visible) hub.repaint(painter);
    });
    return () => {
      remove();
      unwatch();
      release();
    };
  };
}

/** `<section {@attach seen({ run, topics, read })}>`: `follow`, but only while the element is on the screen. */
export function seen({
  run,
  topics,
  read,
}: {
  run: RunModel;
  topics: readonly string[];
  read: () => void;
}): Attachment {
  return (element) => {
    let stop: (() => void) | null = null;
    const end = () => {
      stop?.();
      stop = null;
    };
    const unwatch = watchVisible(element, (visible) => {
      end();
      if (visible) stop = follow(run, topics, read);
    });
    return () => {
      unwatch();
      end();
    };
  };
}

/** Watch `topics` and call `read` four times a second when they changed: for numbers in text. Use inside `$effect`. */
export function follow(run: RunModel, topics: readonly string[], read: () => void): () => void {
  const releases = topics.map((topic) => run.want(topic));
  let stale = true;
  const painter: Painter = { keys: topics.map((topic) => run.key(topic)), paint: () => (stale = true) };
  const remove = hub.add(painter);
  read();
  const stop = hub.readout(() => {
    if (stale) read();
    stale = false;
  });
  return () => {
    releases.forEach((release) => release());
    remove();
    stop();
  };
}
