/** The plane's features as small pictures, for those that the network does not read now. */

const FORMULAS: Record<string, (x: number, y: number) => number> = {
  x: (x) => x,
  y: (_, y) => y,
  x_squared: (x) => x * x,
  y_squared: (_, y) => y * y,
  x_times_y: (x, y) => x * y,
  sin_x: (x) => Math.sin(x),
  sin_y: (_, y) => Math.sin(y),
};

const SIGNS: Record<string, string> = {
  x: 'x₁',
  y: 'x₂',
  x_squared: 'x₁²',
  y_squared: 'x₂²',
  x_times_y: 'x₁x₂',
  sin_x: 'sin x₁',
  sin_y: 'sin x₂',
};

/** How a feature is written; an unknown one by its own name. */
export function featureSign(name: string): string {
  return SIGNS[name] ?? name.replaceAll('_', ' ');
}

/** `size` x `size` values over [-6, 6]^2, row 0 at the top, or null for a feature without a known formula. */
export function featureMap(name: string, size: number): Float32Array | null {
  const formula = FORMULAS[name];
  if (!formula) return null;
  const at = (i: number) => -6 + (12 * (i + 0.5)) / size;
  return Float32Array.from({ length: size * size }, (_, i) => formula(at(i % size), -at(Math.floor(i / size))));
}
