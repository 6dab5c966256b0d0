import { describe, expect, it } from 'vitest';
import { Hub } from './hub';

function hubByHand() {
  const frames: ((now: number) => void)[] = [];
  const hub = new Hub((callback) => frames.push(callback));
  return { hub, next: () => frames.splice(0).forEach((frame) => frame(0)), waiting: () => frames.length };
}

describe('the animation loop', () => {
  it('paints a painter once per frame, however often its key was touched', () => {
    const { hub, next } = hubByHand();
    let painted = 0;
    hub.add({ keys: ['a'], paint: () => (painted += 1) });
    next();
    hub.touch('a');
    hub.touch('a');
    next();
    expect(painted).toBe(2);
  });

  it('asks for no frame when nobody paints the key', () => {
    const { hub, next, waiting } = hubByHand();
    hub.add({ keys: ['a'], paint: () => undefined });
    next();
    hub.touch('b');
    expect(waiting()).toBe(0);
  });

  it('gives a credit back only after the painting', () => {
    const { hub, next } = hubByHand();
    const order: string[] = [];
    hub.add({ keys: ['a'], paint: () => order.push('paint') });
    hub.then(() => order.push('credit'));
    next();
    expect(order).toEqual(['paint', 'credit']);
  });

  it('never paints what was removed', () => {
    const { hub, next } = hubByHand();
    let painted = 0;
    const remove = hub.add({ keys: ['a'], paint: () => (painted += 1) });
    remove();
    next();
    expect(painted).toBe(0);
  });
});
