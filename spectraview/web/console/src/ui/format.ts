/** How times, durations and sizes look. */

/** Return milliseconds as 1:02 or 1:02:03. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  const [minutes, rest] = parts.map((part) => String(part).padStart(2, '0'));
  return hours ? `${hours}:${minutes}:${rest}` : `${Number(minutes)}:${rest}`;
}

/** Sessions answer in the unit that they were started in. */
export function dateOf(time: number): Date {
  return new Date(time < 1e11 ? time * 1000 : time);
}

export function moment(date: Date, locale: string): string {
  return date.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' });
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** Return how long ago, for a week; then the date. */
export function ago(date: Date, locale: string, now: number): string {
  const past = now - date.getTime();
  if (past > 7 * 86_400_000) return date.toLocaleDateString(locale, { dateStyle: 'medium' });
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  for (const [unit, length] of UNITS) {
    if (past >= length) return format.format(-Math.floor(past / length), unit);
  }
  return format.format(0, 'second');
}

export function megabytes(bytes: number, locale: string): string {
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  return `${format.format(bytes / 1_000_000)} MB`;
}

/** Return a page's address without what all pages of an app share. */
export function shortAddress(href: string): string {
  try {
    const address = new URL(href);
    return `${address.host}${address.pathname}${address.search}${address.hash}`;
  } catch {
    return href;
  }
}
