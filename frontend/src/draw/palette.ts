/** The colours of pictures. Orange is negative, blue is positive, everywhere; classes differ in lightness and in shape too. */

export interface Inks {
  /** Stops from -1 to +1. */
  diverging: readonly string[];
  /** Stops from 0 to 1. */
  sequential: readonly string[];
  /** One colour per class. */
  classes: readonly string[];
  negative: string;
  positive: string;
  background: string;
  surface: string;
  /** Text and axes on a picture. */
  ink: string;
  faint: string;
  grid: string;
  /** The edge around a point. */
  edge: string;
}

const LIGHT: Inks = {
  diverging: ['#c2570c', '#e8842a', '#f7b36a', '#fbdcb8', '#f4f5f6', '#c6dff4', '#83bbe8', '#3b8ad0', '#1660ab'],
  sequential: ['#f4f5f6', '#c6dff4', '#83bbe8', '#3b8ad0', '#1660ab', '#0b3a6d'],
  classes: ['#0f6cbd', '#d97706', '#0f8a6a', '#b8408f', '#6b4fd1', '#7c6a0a', '#3f4a5a', '#c23b2f'],
  negative: '#e07b16',
  positive: '#2f80c9',
  background: '#f4f5f6',
  surface: '#ffffff',
  ink: '#4b5563',
  faint: '#8d97a6',
  grid: '#e9ecf1',
  edge: '#ffffff',
};

const DARK: Inks = {
  diverging: ['#f7a145', '#d97f26', '#9f5a1a', '#543617', '#1e232c', '#17385a', '#1f5f9c', '#3a8bd6', '#6ab5f7'],
  sequential: ['#1e232c', '#183a5b', '#2163a0', '#4596da', '#8dc8fb', '#d8edff'],
  classes: ['#5aa9f0', '#f2a33c', '#3cc39c', '#e77fc2', '#a48cf5', '#cdb63a', '#a9b4c4', '#ff8a7d'],
  negative: '#f0983e',
  positive: '#58a6ee',
  background: '#1e232c',
  surface: '#151920',
  ink: '#aab4c2',
  faint: '#6c7787',
  grid: '#272d38',
  edge: '#0d1015',
};

export function inks(dark: boolean): Inks {
  return dark ? DARK : LIGHT;
}

type Rgb = readonly [number, number, number];

export function rgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

function pack([red, green, blue]: Rgb): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((i) => Math.round(from[i]! + (to[i]! - from[i]!) * share)) as unknown as Rgb;
}

/** 256 packed pixels along the stops: index 0 is the first stop, 255 the last. */
export function table(stops: readonly string[]): Uint32Array {
  const colours = stops.map(rgb);
  const last = colours.length - 1;
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * last;
    const low = Math.min(last - 1, Math.floor(at));
    return pack(mix(colours[low]!, colours[low + 1]!, at - low));
  });
}

const tables = new Map<string, Uint32Array>();

function remembered(name: string, make: () => Uint32Array): Uint32Array {
  const known = tables.get(name) ?? make();
  tables.set(name, known);
  return known;
}

/** Negative to positive. */
export function divergingTable(dark: boolean): Uint32Array {
  return remembered(`diverging ${dark}`, () => table(inks(dark).diverging));
}

/** Nothing to much. */
export function sequentialTable(dark: boolean): Uint32Array {
  return remembered(`sequential ${dark}`, () => table(inks(dark).sequential));
}

/** One table per class: 0 = not sure, 255 = sure. */
export function classTable(dark: boolean, index: number): Uint32Array {
  const { classes, background } = inks(dark);
  const colour = classes[index % classes.length]!;
  return remembered(`class ${dark} ${index % classes.length}`, () => {
    const [from, to] = [rgb(background), rgb(colour)];
    return Uint32Array.from({ length: 256 }, (_, i) => pack(mix(from, to, Math.max(0, i / 255) * 0.72)));
  });
}

export function classColour(dark: boolean, index: number): string {
  const { classes } = inks(dark);
  return classes[index % classes.length]!;
}

/** The colour of a value in [-1, 1] as a CSS colour. */
export function divergingColour(dark: boolean, value: number): string {
  const clamped = Math.max(-1, Math.min(1, Number.isFinite(value) ? value : 0));
  const pixel = divergingTable(dark)[Math.round(((clamped + 1) / 2) * 255)]!;
  return `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
}
