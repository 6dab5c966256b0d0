/** The only timers of the page: everything that waits or repeats asks here. */

export type Stop = () => void;

export function after(milliseconds: number, action: () => void): Stop {
  const timer = setTimeout(action, milliseconds);
  return () => clearTimeout(timer);
}

export function every(milliseconds: number, action: () => void): Stop {
  const timer = setInterval(action, milliseconds);
  return () => clearInterval(timer);
}

/** A function that runs `action` once, `milliseconds` after the last of several calls. */
export function debounce<A extends unknown[]>(
  milliseconds: number,
  action: (...args: A) => void,
): (...args: A) => void {
  let stop: Stop = () => undefined;
  return (...args) => {
    stop();
    stop = after(milliseconds, () => action(...args));
  };
}
