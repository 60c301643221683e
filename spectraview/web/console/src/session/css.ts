/** Takes addresses out of style sheets, so that the browser has nothing to fetch. */

const IMPORT = /@import\b(?:"[^"]*"|'[^']*'|[^;{}"'])*;?/gi;
const FONT_FACE = /@font-face\s*\{[^{}]*\}/gi;
const INLINE = /^\s*(?:#|data:(?:image|audio|video|font|application\/(?:x-)?font))/i;
const NO_FONT = 'local("")';
const NO_IMAGE =
  'url("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")';

/** Return a style sheet that names nothing outside of itself. */
export function disarmCss(css: string): string {
  if (!/url\(|@import/i.test(css)) return css;
  const alone = css
    .replace(IMPORT, '')
    .replace(FONT_FACE, (face) => replaceAddresses(face, NO_FONT));
  return replaceAddresses(alone, NO_IMAGE);
}

/** Scan by hand: a pattern that backtracks would let a hostile sheet stop the console. */
function replaceAddresses(css: string, instead: string): string {
  const opening = /url\(/gi;
  let result = '';
  let done = 0;
  for (let found = opening.exec(css); found; found = opening.exec(css)) {
    const [address, end] = addressAt(css, opening.lastIndex);
    if (!INLINE.test(address)) {
      result += css.slice(done, found.index) + instead;
      done = end;
    }
    opening.lastIndex = end;
  }
  return result + css.slice(done);
}

/** Return the address that begins here, and where its brackets end. */
function addressAt(css: string, start: number): [string, number] {
  let from = start;
  while (from < css.length && css.charCodeAt(from) <= 32) from++;
  const quote = css[from];
  const isQuoted = quote === '"' || quote === "'";
  const closing = isQuoted ? css.indexOf(quote, from + 1) : from;
  const bracket = closing < 0 ? -1 : css.indexOf(')', closing);
  const end = bracket < 0 ? css.length : bracket;
  const address = css.slice(isQuoted ? from + 1 : from, isQuoted && closing > 0 ? closing : end);
  return [address, Math.min(end + 1, css.length)];
}
