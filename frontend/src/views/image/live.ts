/** A picture on the screen: its topic is wanted only while the element is visible, and painted once per frame. */
import type { Picture, RunModel } from '../../model/run.svelte';
import { hub } from '../../stream/hub';
import { watchVisible } from '../../stream/visible';

export type Paint = (picture: Picture) => void;

function show(run: RunModel, topic: string, paint: Paint): () => void {
  const unwant = run.want(topic);
  const remove = hub.add({
    keys: [run.key(topic)],
    paint: () => {
      const picture = run.picture(topic);
      if (picture) paint(picture);
    },
  });
  return () => {
    unwant();
    remove();
  };
}

/** Paint `topic` of `run` while `element` is on the screen, until the answer is called. */
export function live(run: RunModel, topic: string, element: Element, paint: Paint): () => void {
  let hide: (() => void) | null = null;
  const stop = watchVisible(element, (visible) => {
    if (visible === (hide !== null)) return;
    if (visible) hide = show(run, topic, paint);
    else {
      hide?.();
      hide = null;
    }
  });
  return () => {
    stop();
    hide?.();
  };
}

/** Run `action` four times a second with the newest picture: for numbers that people read. */
export function readout(run: RunModel, topic: string, action: Paint): () => void {
  let last: Picture | undefined;
  return hub.readout(() => {
    const picture = run.picture(topic);
    if (picture === undefined || picture === last) return;
    last = picture;
    action(picture);
  });
}
