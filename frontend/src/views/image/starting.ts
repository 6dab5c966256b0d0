/** The settings with which a new layer begins, read off its schema. */
import type { JsonValue, Params, Schema } from '../../api/types';

function numberOf(schema: Schema): number {
  const common = schema['x-common'] as readonly number[] | undefined;
  const low = common?.[0] ?? schema.minimum ?? 1;
  const high = common?.[1] ?? low;
  // The middle of the usual range as people count it: by factors.
  const middle = Math.sqrt(Math.max(1, low) * Math.max(1, high));
  return schema.type === 'integer' ? Math.round(middle) : middle;
}

function valueOf(schema: Schema): JsonValue {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0] ?? null;
  if (schema.anyOf?.[0]) return valueOf(schema.anyOf[0]);
  if (schema.type === 'boolean') return false;
  return schema.type === 'string' ? '' : numberOf(schema);
}

/** A value for every setting that has no default; the others are left to the engine. */
export function starting(schema: Schema): Params {
  const required = new Set(schema.required ?? []);
  const entries = Object.entries(schema.properties ?? {}).filter(([name]) => required.has(name));
  return Object.fromEntries(entries.map(([name, property]) => [name, valueOf(property)]));
}
