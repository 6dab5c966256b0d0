/** The loss curve: axes, two lines, marks and a cursor on one canvas. */
import { decades, ticks } from '../lib/scale';
import type { Inks } from './palette';

export interface Line {
  values: ArrayLike<number>;
  colour: string;
}

export interface Chart {
  x: ArrayLike<number>;
  lines: readonly Line[];
  /** Places on x where a setting was changed. */
  marks: readonly number[];
  log: boolean;
  /** The row under the cursor, or null. */
  cursor: number | null;
}

export interface Frame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const FONT = '11px "Inter Variable", sans-serif';

export function frameOf(width: number, height: number): Frame {
  return { left: 40, top: 10, right: width - 12, bottom: height - 24 };
}

interface Range {
  low: number;
  high: number;
}

/** The smallest and largest value of all lines, widened to something that can be drawn. */
export function rangeOf(lines: readonly Line[], log: boolean): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const { values } of lines) {
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i]!;
      if (!Number.isFinite(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return log ? { low: 0.01, high: 1 } : { low: 0, high: 1 };
  if (log) return { low: 10 ** Math.floor(Math.log10(low)), high: 10 ** Math.ceil(Math.log10(high) + 1e-9) };
  return { low: Math.min(0, low), high: high * 1.08 || 1 };
}

type Place = (value: number) => number;

function placeY(range: Range, frame: Frame, log: boolean): Place {
  const scale = log ? Math.log10 : (value: number) => value;
  const [low, high] = [scale(range.low), scale(range.high)];
  const height = frame.bottom - frame.top;
  return (value) => {
    const safe = log ? Math.max(value, range.low) : value;
    return frame.bottom - ((scale(safe) - low) / (high - low || 1)) * height;
  };
}

function written(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4
    ? value.toExponential(0)
    : String(Number(value.toPrecision(3)));
}

/** Draw everything; the canvas is already scaled to CSS pixels. Returns where x = the last value lies. */
export function drawChart(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  chart: Chart,
  inks: Inks,
): void {
  const frame = frameOf(width, height);
  const range = rangeOf(chart.lines, chart.log);
  const last = Math.max(1, chart.x[chart.x.length - 1] ?? 0);
  const x: Place = (value) => frame.left + (value / last) * (frame.right - frame.left);
  const y = placeY(range, frame, chart.log);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  context.lineJoin = 'round';
  drawAxes(context, frame, range, last, x, y, chart.log, inks);
  for (const mark of chart.marks) drawMark(context, frame, x(mark), inks);
  for (const line of chart.lines) drawLine(context, chart.x, line, x, y);
  if (chart.cursor !== null) drawCursor(context, frame, chart, chart.cursor, x, y, inks);
}

function drawAxes(
  context: CanvasRenderingContext2D,
  frame: Frame,
  range: Range,
  last: number,
  x: Place,
  y: Place,
  log: boolean,
  inks: Inks,
): void {
  const levels = log ? decades(range.low, range.high) : ticks(range.low, range.high, 4);
  context.lineWidth = 1;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const level of levels) {
    const at = Math.round(y(level)) + 0.5;
    stroke(context, frame.left, at, frame.right, at, inks.grid);
    context.fillStyle = inks.ink;
    context.fillText(written(level), frame.left - 6, at);
  }
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const tick of ticks(0, last, 5)) context.fillText(written(tick), x(tick), frame.bottom + 7);
}

function stroke(
  context: CanvasRenderingContext2D,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function drawMark(context: CanvasRenderingContext2D, frame: Frame, at: number, inks: Inks): void {
  context.setLineDash([2, 3]);
  stroke(context, at, frame.top, at, frame.bottom, inks.faint);
  context.setLineDash([]);
  context.fillStyle = inks.faint;
  context.beginPath();
  context.moveTo(at - 4, frame.top - 6);
  context.lineTo(at + 4, frame.top - 6);
  context.lineTo(at, frame.top);
  context.fill();
}

function drawLine(context: CanvasRenderingContext2D, xs: ArrayLike<number>, line: Line, x: Place, y: Place): void {
  context.strokeStyle = line.colour;
  context.lineWidth = 2;
  context.beginPath();
  let drawing = false;
  for (let i = 0; i < xs.length; i += 1) {
    const value = line.values[i]!;
    if (!Number.isFinite(value)) drawing = false;
    else if (drawing) context.lineTo(x(xs[i]!), y(value));
    else {
      context.moveTo(x(xs[i]!), y(value));
      drawing = true;
    }
  }
  context.stroke();
}

function drawCursor(
  context: CanvasRenderingContext2D,
  frame: Frame,
  chart: Chart,
  row: number,
  x: Place,
  y: Place,
  inks: Inks,
): void {
  const at = x(chart.x[row] ?? 0);
  context.lineWidth = 1;
  stroke(context, at, frame.top, at, frame.bottom, inks.ink);
  for (const line of chart.lines) {
    const value = line.values[row] ?? NaN;
    if (!Number.isFinite(value)) continue;
    context.fillStyle = line.colour;
    context.strokeStyle = inks.surface;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(at, y(value), 4.5, 0, 7);
    context.fill();
    context.stroke();
  }
}
