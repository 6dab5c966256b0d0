import { describe, expect, it } from 'vitest';
import { ImageState } from './state.svelte';

describe('what is looked at', () => {
  it('names its topics by all their arguments in sorted order', () => {
    const view = new ImageState();
    view.choose(3);
    expect(view.activation('conv1')).toBe('activation?example=3&node=conv1&split=test');
    expect(view.prediction).toBe('prediction?example=3&split=test');
    view.drawn = Uint8Array.of(255);
    expect(view.activation('conv1')).toBe('activation?example=0&input=_w&node=conv1&split=test');
    expect(view.prediction).toBe('prediction?example=0&input=_w&split=test');
  });

  it('leaves the drawing when a test example is chosen, and knows no true class of a drawing', () => {
    const view = new ImageState();
    view.learn(0, [7, 2]);
    expect(view.truth).toBe(7);
    view.drawn = Uint8Array.of(1);
    expect(view.truth).toBe(-1);
    view.choose(1);
    expect(view.drawn).toBeNull();
    expect(view.truth).toBe(2);
  });
});
