/** The plane [-6, 6] x [-6, 6] with its points and axes, drawn over a map. */
import { classColour, divergingColour, type Inks } from './palette';

export const REACH = 6;

/** Points as the stream gives them: rows of x, y, label. */
export interface Points {
  data: ArrayLike<number>;
  ringed: boolean;
}

export interface PointStyle {
  dark: boolean;
  /** How many classes there are; 0 for a regression, whose labels are values. */
  classes: number;
  radius: number;
}

/** The colour of a label: orange and blue for two classes and for values, else one colour per class. */
export function labelColour(label: number, { dark, classes }: PointStyle): string {
  if (classes > 2) return classColour(dark, label);
  return divergingColour(dark, (classes === 2 ? label * 2 - 1 : label) * 0.92);
}

/** Trace the mark of a class: circle, square, triangle, diamond, cross, and so on again. */
export function traceMark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  shape: number,
): void {
  context.beginPath();
  const r = radius * 1.15;
  switch (shape % 5) {
    case 1:
      context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
      break;
    case 2:
      polygon(context, [x, y - r * 1.15, x + r * 1.1, y + r * 0.8, x - r * 1.1, y + r * 0.8]);
      break;
    case 3:
      polygon(context, [x, y - r * 1.2, x + r * 1.2, y, x, y + r * 1.2, x - r * 1.2, y]);
      break;
    case 4:
      polygon(context, [x, y + r * 1.15, x + r * 1.1, y - r * 0.8, x - r * 1.1, y - r * 0.8]);
      break;
    default:
      context.arc(x, y, radius, 0, 7);
  }
}

function polygon(context: CanvasRenderingContext2D, corners: readonly number[]): void {
  for (let i = 0; i < corners.length; i += 2) {
    if (i) context.lineTo(corners[i]!, corners[i + 1]!);
    else context.moveTo(corners[0]!, corners[1]!);
  }
  context.closePath();
}

/** Draw points into a square of `side`; points outside the plane are left out. */
export function drawPoints(
  context: CanvasRenderingContext2D,
  side: number,
  points: Points,
  style: PointStyle,
  inks: Inks,
): void {
  const { data, ringed } = points;
  for (let i = 0; i + 2 < data.length; i += 3) {
    const [x, y, label] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (Math.abs(x) > REACH || Math.abs(y) > REACH) continue;
    const shape = style.classes > 2 ? label : 0;
    traceMark(context, ((x + REACH) / (2 * REACH)) * side, ((REACH - y) / (2 * REACH)) * side, style.radius, shape);
    context.fillStyle = labelColour(label, style);
    context.fill();
    context.lineWidth = ringed ? 1.4 : 1;
    context.strokeStyle = ringed ? inks.ink : inks.edge;
    context.stroke();
  }
}
