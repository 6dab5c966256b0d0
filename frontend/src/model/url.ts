/** The page's state in the address: `#run=ID&spec=COMPRESSED` or `#preset=ID`. */
import type { RunSpec } from '../api/types';

export interface Place {
  run: string | null;
  spec: string | null;
  preset: string | null;
  /** What is shown beside the network. */
  show: readonly string[];
}

function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function through(bytes: Uint8Array<ArrayBuffer>, transform: CompressionStream | DecompressionStream) {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function packSpec(spec: RunSpec): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(spec));
  return toBase64Url(await through(bytes, new CompressionStream('deflate-raw')));
}

export async function unpackSpec(text: string): Promise<RunSpec | null> {
  try {
    const bytes = await through(fromBase64Url(text), new DecompressionStream('deflate-raw'));
    return JSON.parse(new TextDecoder().decode(bytes)) as RunSpec;
  } catch {
    return null;
  }
}

export function readPlace(hash: string): Place {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  return {
    run: parts.get('run'),
    spec: parts.get('spec'),
    preset: parts.get('preset'),
    show: parts.get('show')?.split(' ') ?? [],
  };
}

export function writePlace(place: Partial<Place>): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(place)) {
    const text = typeof value === 'string' ? value : (value ?? []).join(' ');
    if (text) parts.set(key, text);
  }
  return `#${parts.toString()}`;
}
