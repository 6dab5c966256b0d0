/** Numbers as people read them: fixed width, no jitter. */

const MISSING = '–';

/** A loss with `digits` decimals; very small and very large ones in powers of ten. */
export function loss(value: number, digits = 3): string {
  if (Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return '∞';
  return Math.abs(value) >= 10_000 ? value.toExponential(1) : value.toFixed(digits);
}

export function percent(value: number): string {
  return Number.isNaN(value) ? MISSING : `${(value * 100).toFixed(1)} %`;
}

/** A count with thin spaces between thousands. */
export function count(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  return String(Math.floor(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** A count to two or three digits: 87, 950, 12k, 1.4M. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  if (value < 1000) return String(Math.round(value));
  const [size, unit] = value < 999_500 ? [value / 1e3, 'k'] : [value / 1e6, 'M'];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)}${unit}`;
}

/** A signed weight or gradient to `digits` significant digits, with a true minus sign. */
export function signed(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e4) ? value.toExponential(1) : value.toFixed(digits);
  return text.replace(/^-/, '−');
}

/** The number someone typed, with a decimal comma or point, or null. */
export function parseNumber(text: string): number | null {
  const plain = text.trim().replace(',', '.').replace('−', '-');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';

export function subscript(number: number): string {
  return [...String(number)].map((digit) => SUBSCRIPTS[Number(digit)]).join('');
}
