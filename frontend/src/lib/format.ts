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
