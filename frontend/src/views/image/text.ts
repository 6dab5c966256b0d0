/** Numbers as the image view writes them. */

/** Three significant digits without exponents for ordinary sizes. */
export function brief(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1000 || size < 0.0001) return value.toExponential(1);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4);
}

export const percent = (share: number): string =>
  Number.isFinite(share) ? (share * 100).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1) : '–';

/** 48,120 in the page's language. */
export const counted = (value: number, language: string): string => value.toLocaleString(language);
