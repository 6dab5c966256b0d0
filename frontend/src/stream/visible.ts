/** Tells whether an element is on the screen, so that only visible pictures are computed and sent. */

type Listener = (visible: boolean) => void;

const listeners = new WeakMap<Element, Listener>();
let observer: IntersectionObserver | null = null;

function shared(): IntersectionObserver {
  observer ??= new IntersectionObserver(
    (entries) => entries.forEach((entry) => listeners.get(entry.target)?.(entry.isIntersecting)),
    { rootMargin: '80px' },
  );
  return observer;
}

export function watchVisible(element: Element, listener: Listener): () => void {
  listeners.set(element, listener);
  shared().observe(element);
  return () => {
    shared().unobserve(element);
    listeners.delete(element);
  };
}
