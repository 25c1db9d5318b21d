// One colour per technician, as far apart from its neighbours as forty colours allow.

const GOLDEN_ANGLE_DEG = 137.508;

/** CSS colour of a technician; three lightness steps tell close hues apart. */
export function routeColor(index: number, dark: boolean): string {
  const hue = (200 + index * GOLDEN_ANGLE_DEG) % 360;
  const step = index % 3;
  const saturation = dark ? [62, 74, 52][step] : [68, 55, 78][step];
  const lightness = dark ? [62, 70, 56][step] : [40, 48, 33][step];
  return `hsl(${hue.toFixed(0)}, ${saturation}%, ${lightness}%)`;
}
